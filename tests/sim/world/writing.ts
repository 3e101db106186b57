/**
 * The program in a simulated process appends records of all kinds.
 *
 * @module
 */

import type { SimContext } from "./context.ts";
import type { ForeignWriter } from "./foreign.ts";
import type { SimRecord } from "./ledger.ts";
import { SimProcess } from "../process/process.ts";
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

/** Match the time in a call's start or end. */
const CALL_TIMES: { readonly [Kind in RecordKind]?: RegExp } = {
  start: /"started_at":"([^"]*)"/,
  end: /"ended_at":"([^"]*)"/,
};

/** Appends for the programs. */
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
      late: false,
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
