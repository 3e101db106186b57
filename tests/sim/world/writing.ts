/**
 * The program in a simulated process: it appends, syncs, flushes and finishes, and checks
 * the reported results.
 *
 * @module
 */

import type { FlushResult } from "../../../src/client/pipeline/pipeline.ts";
import type { SimContext } from "./context.ts";
import type { ForeignWriter } from "./foreign.ts";
import type { SimRecord } from "./ledger.ts";
import { SimProcess, WAL_DIR } from "../process/process.ts";
import { mix, Random } from "../scenario/random.ts";
import {
  endText,
  otherText,
  type RecordKind,
  type RecordPlan,
  type RecordText,
  startText,
} from "../scenario/records.ts";
import type { AppendStep } from "../scenario/scenario.ts";
import { beginSpan, endOfSpan } from "../scenario/spans.ts";

/** Virtual ms between the end of `finish` and the end of the process. */
const EXIT_MS = 50;
/** Virtual ms by which a flush may exceed its timeout. */
const SLACK_MS = 2_000;
/** Match the time in a call's start or end. */
const CALL_TIMES: { readonly [Kind in RecordKind]?: RegExp } = {
  start: /"started_at":"([^"]*)"/,
  end: /"ended_at":"([^"]*)"/,
};

/** Runs the programs. */
export class Writing {
  readonly #context: SimContext;
  #keys = 0;

  constructor(context: SimContext) {
    this.#context = context;
  }

  /** Appends the records of a step. */
  append(writer: SimProcess | ForeignWriter, step: AppendStep): void {
    const random = new Random(step.seed);
    for (let i = 0; i < step.count && !writer.dead; i++) {
      if (writer instanceof SimProcess && writer.stopped) return;
      const kind = step.kind;
      if (kind === "call") {
        this.#one(writer, "start", step, random);
        this.#one(writer, "end", step, random);
      } else if (kind === "noted-span") {
        if (writer instanceof SimProcess) this.#noted(writer, step, random);
        else this.#one(writer, "span", step, random);
      } else {
        this.#one(writer, kind, step, random);
      }
    }
  }

  /** Syncs: records appended before must be durable once it resolves. */
  sync(slot: SimProcess): void {
    const before = slot.records.filter(({ accepted, memory }) => accepted && !memory);
    slot.guard(() => slot.pipeline.sync())?.then(
      () => {
        this.#context.trace.add(`p${slot.id} is synced`);
        if (!slot.dead) { for (const record of before) record.synced = true; }
      },
      (error: unknown) => {
        if (!slot.dead && !slot.troubled) slot.threw(error);
      },
    );
  }

  /** Flushes, and checks the result. */
  flush(slot: SimProcess, timeout: number | undefined): void {
    const options = timeout === undefined ? {} : { timeout };
    this.#await(slot, timeout, slot.guard(() => slot.pipeline.flush(options)), () => {});
  }

  /** Finishes and ends the process; `then` is called with the result. */
  finish(
    slot: SimProcess,
    timeout: number | undefined,
    then: (result: FlushResult) => void = () => {},
  ): void {
    if (slot.finishing) return;
    slot.finishing = true;
    const options = timeout === undefined ? {} : { timeout };
    this.#await(slot, timeout, slot.guard(() => slot.pipeline.finish(options)), (result) => {
      if (slot.step.fsync !== "never" && !slot.troubled) {
        for (const record of slot.records) {
          if (record.accepted && !record.memory) record.synced = true;
        }
      }
      then(result);
      if (result.done && slot.step.sender && !slot.troubled) this.#count(slot);
      // Gives the program's other pending work time to complete.
      this.#context.clock.after(EXIT_MS, () => slot.exit());
    });
  }

  /** Reads the counters of a process that has finished; `checker.ts` checks the drops. */
  #count(slot: SimProcess): void {
    const { violate } = this.#context;
    const before = this.#used(slot);
    slot.pipeline.stats().then((stats) => {
      if (slot.dead || slot.troubled) return;
      slot.counted = stats;
      if (stats.pendingRecords !== 0 || stats.pendingBytes !== 0) {
        violate("counters", `process ${slot.id} finished and still counts ${stats.pendingRecords}`);
      }
      const { dropped } = stats;
      const refused = dropped["quota-new"] + dropped["memory-full"] + dropped.closed;
      if (stats.appended + refused !== slot.records.length) {
        violate(
          "counters",
          `process ${slot.id}: ${slot.records.length} came, ${stats.appended} + ${refused} counted`,
        );
      }
      const used = this.#used(slot);
      // Other processes may have written or removed files in between.
      if (stats.disk && used === before && used !== stats.disk.usedBytes) {
        violate("counters", `process ${slot.id} counts ${stats.disk.usedBytes} bytes of ${used}`);
      }
    }, (error) => slot.threw(error));
  }

  /** Size in bytes of the directory of a process's project. */
  #used(slot: SimProcess): number {
    const { ledger } = this.#context;
    const directory = `${WAL_DIR}/e/p${slot.step.project}`;
    return ledger.list(directory).reduce(
      (sum, { name }) => sum + (ledger.bytes(`${directory}/${name}`)?.length ?? 0),
      0,
    );
  }

  /** Retries the dead letters of a process's project. */
  retry(slot: SimProcess, fix: boolean): Promise<void> {
    const { ledger } = this.#context;
    for (const record of ledger.records) {
      if (record.letteredAt === null || record.project !== slot.step.project) continue;
      record.retried = true;
      record.poison &&= !fix;
    }
    const retry = { process: slot, project: slot.step.project };
    ledger.retries.add(retry);
    const over = slot.guard(() => slot.pipeline.retryDeadLetters()) ?? Promise.resolve();
    return over.finally(() => ledger.retries.delete(retry)).then(
      (result) => this.#context.trace.add(`p${slot.id} retried ${JSON.stringify(result)}`),
      (error: unknown) => {
        if (!slot.dead && !slot.suspect) slot.threw(error);
      },
    );
  }

  /** Ends the program normally. */
  exitNaturally(slot: SimProcess): void {
    const limit = this.#limit(slot, this.#context.setup.exitDrainMs, "the normal exit");
    slot.memory.exitNaturally().then(
      () => {
        limit.over();
        slot.exit();
      },
      (error) => slot.threw(error),
    );
  }

  #await(
    slot: SimProcess,
    timeout: number | undefined,
    work: Promise<FlushResult> | undefined,
    then: (result: FlushResult) => void,
  ): void {
    const before = slot.records.filter(({ accepted }) => accepted);
    const limit = this.#limit(slot, timeout, "a flush");
    slot.watch(work, (result) => {
      limit.over();
      if (slot.dead) return;
      this.#context.trace.add(`p${slot.id} flushed ${JSON.stringify(result)}`);
      if (result.done) this.#believe(slot, before);
      then(result);
    });
  }

  /** Checks the records that a flush reports as delivered. */
  #believe(slot: SimProcess, before: readonly SimRecord[]): void {
    for (const record of before) {
      if (record.answered || record.letteredAt !== null || record.excuse !== null) continue;
      if (record.memory && record.refused) continue;
      this.#context.violate(
        "flush",
        `process ${slot.id} got the report that ${record.key} is done`,
      );
      return;
    }
  }

  /**
   * Checks that something ends in time, not counting the time for which the process is
   * suspended.
   */
  #limit(slot: SimProcess, timeout: number | undefined, what: string): { over: () => void } {
    if (timeout === undefined) return { over: () => {} };
    const { clock, setup, violate } = this.#context;
    const timer = clock.after(timeout + SLACK_MS + 50 * setup.diskMs, () => {
      if (!slot.dead && !slot.suspect) violate("flush", `${what} of process ${slot.id} runs over`);
    });
    return { over: () => timer.cancel() };
  }

  #one(
    writer: SimProcess | ForeignWriter,
    kind: Exclude<RecordKind, "call" | "noted-span">,
    step: AppendStep,
    random: Random,
  ): void {
    const made = this.#make(writer, kind, step, random);
    this.#append(writer, made);
    const [, at] = CALL_TIMES[made.kind]?.exec(made.text.request) ?? [];
    if (writer instanceof SimProcess && at !== undefined) {
      writer.noteTime(Date.parse(at), made.accepted);
    }
  }

  #append(writer: SimProcess | ForeignWriter, made: SimRecord): void {
    const { ledger } = this.#context;
    ledger.add(made);
    writer.append(made);
    if (made.key.endsWith(":end") && ledger.find(`${made.call}:cut`)) made.excuse ??= "closed";
    this.#context.trace.add(`append ${made.key} ${made.accepted}`);
  }

  /** Starts a span, or ends one that was started. */
  #noted(writer: SimProcess, { size, seed }: AppendStep, random: Random): void {
    const { ledger, clock, trace } = this.#context;
    const at = Math.floor(clock.now());
    const open = writer.openSpans;
    const number = ++this.#keys;
    const { project, server } = writer.step;
    if (open.length === 0 || random.chance(0.6)) {
      const span = beginSpan({ id: `s${number}`, project, startedAt: at, size, random });
      ledger.spans.set(span.id, { span, origin: writer, server });
      writer.noteStart(span);
      trace.add(`begin ${span.id} ${span.isNoted}`);
      open.push(span);
      return;
    }
    const [span] = open.splice(random.int(0, open.length - 1), 1);
    const text = endOfSpan(span, { at, error: null });
    const key = `${span.id}:end`;
    const made = this.#record({ key, kind: "span", text, call: span.id, writer, number, seed });
    this.#append(writer, made);
    writer.noteTime(at, made.accepted);
  }

  #make(
    writer: SimProcess | ForeignWriter,
    wanted: Exclude<RecordKind, "call" | "noted-span">,
    { size, seed }: AppendStep,
    random: Random,
  ): SimRecord {
    const number = ++this.#keys;
    const calls = writer.openCalls;
    // An end requires a call that was started.
    const kind = wanted === "end" && calls.length === 0 ? "start" : wanted;
    const isForeign = !(writer instanceof SimProcess);
    const project = isForeign ? writer.project : writer.step.project;
    const call = kind === "start"
      ? `c${number}`
      : kind === "end"
      ? calls.splice(random.int(0, calls.length - 1), 1)[0]
      : calls.length > 0
      ? random.pick(calls)
      : "c0";
    const plan: RecordPlan = { project: `e/p${project}`, key: `r${number}`, call, size, random };
    let text: RecordText;
    let key = plan.key;
    if (kind === "start" || kind === "end") {
      text = kind === "start" ? startText(plan, isForeign) : endText(plan, isForeign);
      key = `${call}:${kind}`;
      if (kind === "start") calls.push(call);
    } else {
      text = otherText(kind, plan);
    }
    return this.#record({ key, kind, text, call, writer, number, seed });
  }

  #record(
    { key, kind, text, call, writer, number, seed }:
      & Pick<SimRecord, "key" | "kind" | "text" | "call">
      & {
        readonly writer: SimProcess | ForeignWriter;
        readonly number: number;
        readonly seed: number;
      },
  ): SimRecord {
    const isForeign = !(writer instanceof SimProcess);
    const space = isForeign ? " " : "";
    return {
      key,
      kind,
      text,
      line: `{"type":${space}"${text.type}",${space}"req":${space}${text.request}}`,
      call,
      project: isForeign ? writer.project : writer.step.project,
      server: isForeign ? null : writer.step.server,
      poison: new Random(mix(seed, number)).chance(this.#context.setup.poison),
      origin: isForeign ? null : writer,
      order: number,
      at: this.#context.clock.monotonic(),
      accepted: false,
      memory: false,
      synced: false,
      excuse: null,
      segment: null,
      copied: false,
      stored: false,
      answered: false,
      refused: false,
      letteredAt: null,
      retried: false,
      checkpointed: false,
    };
  }
}
