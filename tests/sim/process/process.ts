/**
 * A simulated process that uses the library: a pipeline on an in-memory runtime, which
 * can be killed, suspended, and made to fail.
 *
 * @module
 */

import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import type { FlushResult, Pipeline, WalStats } from "../../../src/client/pipeline/pipeline.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import type {
  MemoryFault,
  MemoryOperation,
} from "../../support/simulated_runtime/memory_process.ts";
import { writerToken } from "../../../src/wal/segment/segment_name.ts";
import { type ActiveFault, strike } from "../world/faults.ts";
import type { ProcessView, SimRecord } from "../world/ledger.ts";
import { Random } from "../scenario/random.ts";
import type { StartStep } from "../scenario/scenario.ts";
import { type SimSpan, startOfSpan } from "../scenario/spans.ts";
import { type Doom, isMet, type SimProcessOptions } from "./process_options.ts";
import { SimServers } from "../server/server.ts";
import { simulatedPipeline } from "./simulated_pipeline.ts";
import { Suspension } from "./suspension.ts";
import { TornWrites } from "./torn_writes.ts";

/** Operations without a pause after which the process is considered to be in an endless loop. */
const MAX_OPERATIONS = 20_000;

/** A simulated process. */
export class SimProcess implements ProcessView {
  readonly id: number;
  readonly token: string;
  readonly step: StartStep;
  readonly memory: MemoryRuntime;
  readonly pipeline: Pipeline;
  /** Records that it appended. */
  readonly records: SimRecord[] = [];
  /** Calls that it started and did not end. */
  readonly openCalls: string[] = [];
  /** Spans with noted starts that it started and did not end. */
  readonly openSpans: SimSpan[] = [];
  /**
   * Times in the latest records that contain one, epoch ms; only the first is certainly
   * on disk.
   */
  reported: readonly number[] = [];
  readonly random: Random;
  readonly #options: SimProcessOptions;
  readonly #suspension: Suspension;
  readonly #torn: TornWrites;
  /** Disk faults of this process. */
  faults: ActiveFault[] = [];
  /** The operation at which the process is killed, and how. */
  doom: Doom | null = null;
  /** Whether it was able to remove its files. */
  leftOrderly = false;
  /** Time of the last write of its presence file, epoch ms. */
  lastHeartbeat = 0;
  /** Whether `finish` was called. */
  finishing = false;
  #killed = false;
  #endedAt: number | undefined;
  #troubled = false;
  #inMemory = false;
  readonly #dropCauses = new Set<string>();
  /** Number of records that it reported as dropped when they were appended. */
  dropped = 0;
  /** Its counters, if it finished with nothing left to send. */
  counted: WalStats | null = null;
  /** Records that it may have dropped without reporting them yet: reports are throttled. */
  readonly maybeDropped: SimRecord[] = [];
  removed = 0;
  /** The record that is being appended. */
  #appending: SimRecord | null = null;
  #sinceTurn = 0;

  constructor(options: SimProcessOptions) {
    const { context, host, id, step, pid } = options;
    this.#options = options;
    this.#suspension = new Suspension(context.clock, () => this.dead);
    this.#torn = new TornWrites(context.past);
    this.id = id;
    this.step = step;
    this.random = new Random(step.seed);
    this.token = writerToken(this.random.hex(32), SimServers.url(step.server));
    this.#inMemory = !step.wal;
    this.faults = [...options.faults];
    this.memory = new MemoryRuntime({
      disk: context.disk,
      clock: context.clock,
      host,
      cwd: "/home",
      ...(pid === undefined ? {} : { pid }),
      fault: (operation) => this.#operation(operation),
      schedule: (run) => this.#schedule(run),
    });
    const clock = this.#suspension.clockOf(this.memory.clock, (run) => this.guard(run));
    this.pipeline = this.guard(() =>
      simulatedPipeline(this, options, clock, (event) => this.#event(event))
    )!;
  }

  get dead(): boolean {
    return this.memory.dead;
  }

  get stopped(): boolean {
    return this.#suspension.stopped;
  }

  /** Whether any disk operation of the process ever failed. */
  get troubled(): boolean {
    return this.#troubled;
  }

  get suspect(): boolean {
    return this.#suspension.everStopped || this.#troubled;
  }

  get mayDropOldest(): boolean {
    const { setup } = this.#options.context;
    return setup.quotaPolicy === "drop-oldest" && setup.maxDiskBytes < 1e9;
  }

  gate(run: () => void): void {
    this.#suspension.gate(run);
  }

  /** Suspends the process, as SIGSTOP does. */
  stop(): void {
    this.#suspension.stop();
  }

  /** Resumes the process; see {@linkcode Suspension.resume}. */
  resume(busyMs = 0): void {
    this.#suspension.resume(busyMs);
  }

  /** Kills the process, as SIGKILL does. */
  kill(): void {
    this.#killed ||= !this.dead;
    this.#torn.killed();
    this.memory.kill();
    this.#forgetMemory();
  }

  /** Ends the process in an orderly way, as `process.exit()` does. */
  exit(): void {
    this.guard(() => this.memory.exit());
    this.leftOrderly = !this.#killed;
    this.#forgetMemory();
  }

  #forgetMemory(): void {
    this.#endedAt ??= this.#options.context.clock.monotonic();
    for (const record of this.records) if (record.memory) record.excuse ??= "memory";
  }

  /** Resets the check for endless loops: all promises have settled. */
  turned(): void {
    this.#sinceTurn = 0;
  }

  /**
   * Appends a record. It counts as accepted if the process is alive and unfinished when
   * this returns.
   */
  append(record: SimRecord): void {
    this.#appending = record;
    record.accepted = true;
    this.records.push(record);
    this.guard(() => this.pipeline.append(record.text.type, record.text.request));
    this.#appending = null;
    if (this.dead || this.finishing) record.accepted = false;
    record.memory = this.#inMemory;
    if (record.accepted && this.#dropCauses.has(record.memory ? "memory-full" : "quota-new")) {
      this.maybeDropped.push(record);
      record.excuse ??= "dropped";
    }
    if (this.step.fsync === "always" && !record.memory) record.synced = true;
  }

  /**
   * Notes the start of a span. It counts if the process is alive and unfinished when this
   * returns.
   */
  noteStart(span: SimSpan): void {
    this.guard(() => this.pipeline.noteSpanStart!(span.type, startOfSpan(span)));
    span.isNoted = !this.dead && !this.finishing && !this.#inMemory;
  }

  /** Notes the time in a record that may not be on disk. */
  noteTime(at: number, isSure: boolean): void {
    this.reported = isSure ? [at] : [...this.reported, at];
  }

  /** Whether its records must be on stable storage by now without an explicit sync. */
  hasSyncedBy(at: number): boolean {
    const { setup, clock } = this.#options.context;
    return this.step.fsync === "interval" && !this.suspect &&
      (this.#endedAt ?? clock.monotonic()) - at > 2 * setup.fsyncIntervalMs + 4 * setup.diskMs + 10;
  }

  /** Runs a function of the library for the program; it must not throw. */
  guard<Result>(run: () => Result): Result | undefined {
    try {
      return run();
    } catch (error) {
      if (!this.dead) this.threw(error);
      return undefined;
    }
  }

  /** Waits for the result of a call to the library; only `sync` may reject. */
  watch(work: Promise<FlushResult> | undefined, then: (result: FlushResult) => void): void {
    work?.then(then).catch((error) => {
      if (!this.dead) this.threw(error);
    });
  }

  /** Reports an error that reached the program. */
  threw(error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#options.context.violate("threw", `in process ${this.id}: ${text}`);
  }

  /** Completes an asynchronous disk operation, now or a little later. */
  #schedule(run: () => void): void {
    const { context: { setup, clock } } = this.#options;
    if (setup.diskMs === 0) queueMicrotask(() => this.gate(run));
    else clock.after(this.random.int(0, setup.diskMs), () => this.gate(run));
  }

  #operation(operation: MemoryOperation): MemoryFault | undefined {
    const { context, strikeDown } = this.#options;
    context.trace.add(`p${this.id} ${operation.kind} ${operation.path} ${operation.bytes ?? ""}`);
    if (++this.#sinceTurn > MAX_OPERATIONS) {
      context.violate("spins", `process ${this.id}: ${operation.kind} ${operation.path}`);
      this.kill();
      return undefined;
    }
    if (this.doom && isMet(this.doom, operation) && this.doom.left-- === 0) {
      strikeDown(this, this.doom.crashSeed);
      return undefined;
    }
    if (operation.kind === "write" && operation.path.endsWith(".jsonl") && this.#appending) {
      const segment = operation.path.slice(0, -".jsonl".length);
      const before = this.#appending.segment;
      this.#appending.copied ||= before !== null && before !== segment;
      this.#appending.segment = segment;
    }
    this.#torn.begins(operation);
    for (const fault of this.faults) {
      const struck = strike(fault, operation);
      if (!struck) continue;
      context.trace.add(`fault ${JSON.stringify(struck)}`);
      if ("code" in struck) this.#failed(operation);
      this.#torn.failed(operation);
      return struck;
    }
    this.#torn.succeeded(operation);
    return undefined;
  }

  #failed({ kind, path }: MemoryOperation): void {
    this.#troubled = true;
    const [, writer, suffix] = /_([0-9a-f]{32})\.(\w+)[^/]*$/.exec(path) ?? [];
    const isRead = kind === "open" || kind === "read";
    if (suffix === "open" || (isRead && /^(jsonl|started)$/.test(suffix))) {
      this.#options.context.past.unkept.add(writer);
    }
  }

  #event({ level, name, message }: WalEvent): void {
    if (this.dead) return;
    this.#options.context.trace.add(`p${this.id} ${level} ${name}: ${message}`);
    if (name === "disk-failed") this.#inMemory = true;
    if (name === "disk-recovered") this.#recovered();
    const cause = name === "dropped" ? / lost \(([\w-]+)\): /.exec(message)?.[1] : undefined;
    if (cause === undefined) return;
    this.#dropCauses.add(cause);
    if (cause === "failed") this.threw(message);
    if (this.#appending && (cause === "memory-full" || cause === "quota-new")) {
      this.#appending.accepted = false;
      this.dropped++;
    }
  }

  /** Without a sender, records in memory are written to disk at this point. */
  #recovered(): void {
    this.#inMemory = false;
    if (this.step.sender) return;
    for (const record of this.records) if (record.excuse === null) record.memory = false;
  }
}
