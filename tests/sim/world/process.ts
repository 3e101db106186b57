/**
 * A simulated process of the library: a pipeline over a runtime in memory that can be killed,
 * stopped, and its errors.
 *
 * @module
 */

import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import type { FlushResult, Pipeline, WalStats } from "../../../src/client/pipeline/pipeline.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import type { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import type {
  MemoryFault,
  MemoryOperation,
  MemoryOperationKind,
} from "../../support/simulated_runtime/memory_process.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Clock, Runtime, Timer } from "../../../src/runtime/runtime.ts";
import { writerToken } from "../../../src/wal/segment/segment_name.ts";
import type { Closings } from "../checks/closings.ts";
import type { Auditor } from "../checks/invariants.ts";
import type { Bug } from "../mutants/mutant.ts";
import type { SimContext } from "./context.ts";
import { type ActiveFault, strike } from "./faults.ts";
import type { ProcessView, SimRecord } from "./ledger.ts";
import { Random } from "../scenario/random.ts";
import type { StartStep } from "../scenario/scenario.ts";
import { SimServers } from "./server.ts";
import { WatchedFiles } from "./watched_files.ts";

/** Directory of the logs. */
export const WAL_DIR = "/home/.weave/wal";
/** Operations without a pause after which a process is taken to be in an endless loop. */
const MAX_OPERATIONS = 20_000;

/** The end that waits for a process. */
interface Doom {
  /** Operations of that kind and place that still happen. */
  left: number;
  readonly on?: MemoryOperationKind;
  readonly near?: string;
  /** For a crash of the whole machine. */
  readonly crashSeed?: number;
}

/** Parts of a process. */
export interface SimProcessOptions {
  readonly context: SimContext;
  readonly servers: SimServers;
  readonly auditor: Auditor;
  readonly closings: Closings;
  readonly host: MemoryHost;
  readonly id: number;
  readonly step: StartStep;
  readonly pid?: number;
  readonly bug?: Bug;
  /** The disk's faults from the start. */
  readonly faults: readonly ActiveFault[];
  /** Ends the process in the middle of an operation: by a kill, or with the whole machine. */
  readonly strikeDown: (process: SimProcess, crashSeed: number | undefined) => void;
}

/** One process. */
export class SimProcess implements ProcessView {
  readonly id: number;
  readonly token: string;
  readonly step: StartStep;
  readonly memory: MemoryRuntime;
  readonly pipeline: Pipeline;
  /** The records that it appended. */
  readonly records: SimRecord[] = [];
  /** Calls that it began and did not end. */
  readonly openCalls: string[] = [];
  readonly random: Random;
  readonly #options: SimProcessOptions;
  readonly #queue: (() => void)[] = [];
  /** The disk's faults for this process. */
  faults: ActiveFault[] = [];
  /** After how many operations, of what kind, one does not happen, and what happens instead. */
  doom: Doom | null = null;
  /** Whether it could clear up behind it. */
  leftOrderly = false;
  /** When its presence file was last written, epoch ms. */
  lastHeartbeat = 0;
  /** Whether `finish` was called. */
  finishing = false;
  #killed = false;
  #endedAt: number | undefined;
  #stopped = false;
  #busy = false;
  #everStopped = false;
  #troubled = false;
  #inMemory = false;
  readonly #dropCauses = new Set<string>();
  /** Records that it reported as dropped when they were appended. */
  dropped = 0;
  /** Its counters when it finished with nothing left to send. */
  counted: WalStats | null = null;
  /** Records that it may have dropped without saying so: it does that now and then only. */
  readonly maybeDropped: SimRecord[] = [];
  removed = 0;
  /** The record that is being appended. */
  #appending: SimRecord | null = null;
  #sinceTurn = 0;
  /** The segment whose last write fell short and was not taken back. */
  #fellShort: string | null = null;

  constructor(options: SimProcessOptions) {
    const { context, servers, host, id, step, pid, bug } = options;
    this.#options = options;
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
    const fetchOf = servers.fetchOf(this);
    this.pipeline = this.guard(() =>
      openPipeline({
        ...context.setup,
        runtime: this.#runtime(bug),
        fetch: bug?.fetch ? bug.fetch(fetchOf) : fetchOf,
        random: () => this.random.next(),
        token: this.#tokens(),
        entity: "e",
        project: `p${step.project}`,
        serverUrl: SimServers.url(step.server),
        apiKey: "key",
        wal: step.wal,
        sender: step.sender,
        walDir: WAL_DIR,
        requireDisk: false,
        fsync: step.fsync,
        useCallsComplete: step.complete,
        onEvent: (event) => this.#event(event),
      })
    )!;
  }

  get dead(): boolean {
    return this.memory.dead;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether the disk ever failed it. */
  get troubled(): boolean {
    return this.#troubled;
  }

  get suspect(): boolean {
    return this.#everStopped || this.#troubled;
  }

  get mayDropOldest(): boolean {
    const { setup } = this.#options.context;
    return setup.quotaPolicy === "drop-oldest" && setup.maxDiskBytes < 1e9;
  }

  gate(run: () => void): void {
    if (this.dead) return;
    if (this.#stopped || this.#busy) this.#queue.push(run);
    else run();
  }

  /** The process is stopped, as by SIGSTOP. */
  stop(): void {
    this.#stopped = this.#everStopped = true;
  }

  /**
   * It goes on. What it waited for in the meantime happens now, or when the program has run on for
   * `busyMs` where it was stopped.
   */
  resume(busyMs = 0): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    if (busyMs === 0) return this.#catchUp();
    this.#busy = true;
    this.#options.context.clock.after(busyMs, () => this.#catchUp());
  }

  #catchUp(): void {
    this.#busy = false;
    for (const run of this.#queue.splice(0)) this.gate(run);
  }

  /** It ends, as by SIGKILL. */
  kill(): void {
    this.#killed ||= !this.dead;
    if (this.#fellShort !== null) this.#options.context.past.torn.add(this.#fellShort);
    this.memory.kill();
    this.#forgetMemory();
  }

  /** It ends in an orderly way, as by `process.exit()`. */
  exit(): void {
    this.guard(() => this.memory.exit());
    this.leftOrderly = !this.#killed;
    this.#forgetMemory();
  }

  #forgetMemory(): void {
    this.#endedAt ??= this.#options.context.clock.monotonic();
    for (const record of this.records) if (record.memory) record.excuse ??= "memory";
  }

  /** The driver has let everything settle: no loop. */
  turned(): void {
    this.#sinceTurn = 0;
  }

  /** Appends a record; it counts as accepted when this returns in a living, unfinished process. */
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

  #heartbeat(): void {
    this.lastHeartbeat = this.#options.context.clock.now();
  }

  /** Whether its records are on stable storage by now without having been asked. */
  hasSyncedBy(at: number): boolean {
    const { setup, clock } = this.#options.context;
    return this.step.fsync === "interval" && !this.suspect &&
      (this.#endedAt ?? clock.monotonic()) - at > 2 * setup.fsyncIntervalMs + 4 * setup.diskMs + 10;
  }

  /** Runs something of the program's; nothing may be thrown into it. */
  guard<Result>(run: () => Result): Result | undefined {
    try {
      return run();
    } catch (error) {
      if (!this.dead) this.threw(error);
      return undefined;
    }
  }

  /** Waits for something that the program asked for; only `sync` may reject. */
  watch(work: Promise<FlushResult> | undefined, then: (result: FlushResult) => void): void {
    work?.then(then).catch((error) => {
      if (!this.dead) this.threw(error);
    });
  }

  /** An error reached the program. */
  threw(error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#options.context.violate("threw", `in process ${this.id}: ${text}`);
  }

  #runtime(bug: Bug | undefined): Runtime {
    const { auditor } = this.#options;
    const living = (run: () => void): void => {
      if (!this.dead) run();
    };
    const watched: FileSystem = new WatchedFiles(this.memory.files, {
      beforeRemove: (path) => living(() => auditor.beforeRemove(this, path)),
      beforeReplace: (path, text) => living(() => auditor.beforeReplace(this, path, text)),
      afterReplace: (path) =>
        living(() => {
          if (path.endsWith(`.processes/${this.token}.json`)) this.#heartbeat();
          auditor.afterReplace(path);
        }),
      beforeRename: (from) => living(() => auditor.beforeRemove(this, from)),
      afterRename: (from, to) => living(() => this.#options.closings.afterRename(from, to)),
      afterAppend: (path) => this.#appended(path),
    });
    const { process } = this.memory;
    const clock = this.#clock();
    return {
      name: "memory",
      files: bug?.files ? bug.files(watched, this.memory) : watched,
      process: bug?.process ? bug.process(process) : process,
      clock: bug?.clock ? bug.clock(clock, this.#options.context.setup) : clock,
    };
  }

  #clock(): Clock {
    const { clock } = this.memory;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, run): Timer => {
        let taken = false;
        const timer = clock.after(ms, () =>
          this.gate(() => {
            if (!taken) this.guard(run);
          }));
        return {
          cancel: () => {
            taken = true;
            timer.cancel();
          },
        };
      },
    };
  }

  /** Completes an asynchronous operation of the disk, now or a little later. */
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
    if (operation.kind === "write" && operation.path.endsWith(".jsonl")) this.#fellShort = null;
    for (const fault of this.faults) {
      const struck = strike(fault, operation);
      if (!struck) continue;
      context.trace.add(`fault ${JSON.stringify(struck)}`);
      if ("code" in struck) this.#troubled = true;
      this.#noteTear(operation);
      return struck;
    }
    if (operation.kind === "truncate") this.#fellShort = null;
    return undefined;
  }

  /** A write that fell short may leave a fragment when it can be neither finished nor taken back. */
  #noteTear({ kind, path }: MemoryOperation): void {
    if (!path.endsWith(".jsonl")) return;
    const segment = path.slice(0, -".jsonl".length);
    if (kind === "write") this.#fellShort = segment;
    else if (this.#fellShort === segment) {
      this.#options.context.past.torn.add(segment);
      this.#options.context.past.fragments.add(segment);
    }
  }

  #appended(path: string): void {
    const { ledger, past } = this.#options.context;
    if (path.endsWith(".deadletter")) ledger.noteDeadLetters(path, past.requests);
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

  /** Without a sender, the records in memory are on disk now. */
  #recovered(): void {
    this.#inMemory = false;
    if (this.step.sender) return;
    for (const record of this.records) if (record.excuse === null) record.memory = false;
  }

  /** The first token is the one that this process was given; it is also what its leases contain. */
  #tokens(): () => string {
    let first = true;
    return () => {
      if (!first) return this.random.hex(32);
      first = false;
      return this.token;
    };
  }
}

function isMet({ on, near }: Doom, { kind, path }: MemoryOperation): boolean {
  return (on === undefined || on === kind) && (near === undefined || path.includes(near));
}
