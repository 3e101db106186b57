/**
 * Runs a scenario step by step in virtual time.
 *
 * @module
 */

import type { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import { Closings } from "../checks/closings.ts";
import { Auditor } from "../checks/invariants.ts";
import type { Bug } from "../mutants/mutant.ts";
import { corruptCheckpoint } from "./corruption.ts";
import type { SimContext, Violation, ViolationCode } from "./context.ts";
import { crashed } from "./crash.ts";
import { type ActiveFault, activeFault } from "./faults.ts";
import { hostsOf, newContext } from "./new_context.ts";
import { ForeignWriter } from "./foreign.ts";
import { SimProcess } from "../process/process.ts";
import { WAL_DIR } from "../process/simulated_pipeline.ts";
import { mix, Random } from "../scenario/random.ts";
import type { Scenario, StartStep, Step } from "../scenario/scenario.ts";
import { SimServers } from "../server/server.ts";
import { Trace } from "../checks/trace.ts";
import { VirtualTime } from "./virtual_time.ts";
import { Flushing } from "./flushing.ts";
import { Writing } from "./writing.ts";

/** Runs the steps of a scenario; `checker.ts` then checks the outcome. */
export class World {
  readonly context: SimContext;
  readonly servers: SimServers;
  readonly violations: Violation[] = [];
  readonly scenario: Scenario;
  readonly trace: Trace;
  readonly #auditor: Auditor;
  readonly #closings: Closings;
  readonly #hosts: MemoryHost[];
  readonly #slots = new Map<number, SimProcess | ForeignWriter>();
  readonly #pids = new Map<number, number>();
  readonly #bug: Bug | undefined;
  readonly #writing: Writing;
  readonly #flushing: Flushing;
  /** Disk faults of all processes. */
  #everywhere: ActiveFault[] = [];
  #processes = 0;
  readonly #time: VirtualTime;

  constructor(scenario: Scenario, options: { bug?: Bug; keepTrace?: boolean } = {}) {
    this.scenario = scenario;
    this.#bug = options.bug;
    this.trace = new Trace(options.keepTrace ?? false);
    this.context = newContext(scenario.setup, this.trace, (code, text) => this.violate(code, text));
    this.#closings = new Closings(this.context, this.all);
    this.servers = new SimServers(this.context);
    this.#auditor = new Auditor(this.context);
    this.#writing = new Writing(this.context);
    this.#flushing = new Flushing(this.context);
    this.#time = new VirtualTime(this.context, () => {
      for (const slot of this.#slots.values()) if (slot instanceof SimProcess) slot.turned();
    });
    this.#hosts = hostsOf(scenario.setup);
  }

  /** Reports a broken promise. */
  violate(code: ViolationCode, text: string): void {
    this.violations.push({ code, text });
    this.trace.add(`VIOLATION ${code}: ${text}`);
  }

  /** All processes of the library in this run. */
  readonly all: SimProcess[] = [];

  /** The living processes of the library. */
  get living(): SimProcess[] {
    return [...this.#slots.values()].filter((slot): slot is SimProcess =>
      slot instanceof SimProcess && !slot.dead
    );
  }

  /** Runs the steps until one of them breaks a promise. */
  async play(): Promise<void> {
    for (const step of this.scenario.steps) {
      this.trace.add(JSON.stringify(step));
      await this.#do(step);
      await this.settle();
      if (this.violations.length > 0) return;
    }
  }

  /** Ends all faults, resumes suspended processes, and ends foreign writers. */
  async heal(): Promise<void> {
    this.servers.heal();
    this.#healDisk();
    for (const slot of this.#slots.values()) {
      if (slot.dead) continue;
      if (slot instanceof ForeignWriter) {
        slot.exit();
        continue;
      }
      slot.doom = null;
      slot.resume();
      await this.settle();
    }
  }

  /** Starts a process of the library. */
  start(step: StartStep, pid?: number): SimProcess {
    const started = new SimProcess({
      context: this.context,
      servers: this.servers,
      auditor: this.#auditor,
      closings: this.#closings,
      host: this.#hosts[step.host],
      id: ++this.#processes,
      step,
      faults: this.#everywhere,
      ...(pid === undefined ? {} : { pid }),
      ...(this.#bug === undefined ? {} : { bug: this.#bug }),
      strikeDown: (victim, crashSeed) => {
        if (crashSeed === undefined) this.kill(victim);
        else this.#crash(crashSeed);
      },
    });
    this.all.push(started);
    this.#slots.set(step.slot, started);
    this.#pids.set(step.slot, started.memory.process.pid);
    return started;
  }

  /** Advances virtual time by `ms`, or until `until` is true. */
  pass(ms: number, until: () => boolean = () => false): Promise<void> {
    return this.#time.pass(ms, () => this.violations.length > 0 || until());
  }

  /** Waits until promises have settled, and collects unhandled rejections. */
  settle(): Promise<void> {
    return this.#time.settle();
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case "start":
        if (!this.#isFree(step.slot)) return;
        this.start(step, step.samePid ? this.#freePid(step) : undefined);
        return;
      case "foreign":
        if (!this.#isFree(step.slot)) return;
        this.#slots.set(
          step.slot,
          new ForeignWriter(this.context, this.#hosts[0], step, ++this.#processes),
        );
        return;
      case "append": {
        const writer = this.#slots.get(step.slot);
        if (writer && !writer.dead) this.#writing.append(writer, step);
        return;
      }
      case "pass":
        return await this.pass(step.ms);
      case "jump":
        this.context.clock.jump(step.ms);
        return;
      case "crash":
        return this.#crash(step.seed);
      case "server":
        // An endpoint that is briefly missing makes the sender repeat all calls on the
        // other one.
        this.context.past.disturbed ||= step.faults.some(({ kind }) => kind === 404);
        return this.servers.setFaults(step.server, step.faults, step.seed);
      case "mode":
        this.context.past.disturbed = true;
        return this.servers.setMode(step.server, step.mode);
      case "disk": {
        const make = (): ActiveFault => activeFault(step, new Random(step.seed));
        if (step.fault !== "short") this.context.past.disturbed = true;
        if (step.slot === -1) this.#everywhere.push(make());
        for (const one of this.living) {
          if (step.slot === -1 || one === this.#slots.get(step.slot)) one.faults.push(make());
        }
        return;
      }
      case "heal":
        return this.#healDisk();
      case "corrupt":
        if (corruptCheckpoint(this.context, step.how, new Random(step.seed))) {
          this.#auditor.forget();
        }
        return;
      default:
        return this.#act(step);
    }
  }

  #act(
    step: Exclude<Step, { do: "start" | "foreign" | "append" | "pass" | "jump" | "crash" }>,
  ): void {
    if (!("slot" in step)) return;
    const slot = this.#slots.get(step.slot);
    if (!slot || slot.dead) return;
    if (slot instanceof ForeignWriter) {
      if (step.do === "kill") slot.kill();
      else if (step.do === "exit" || step.do === "finish") slot.exit();
      return;
    }
    const { past } = this.context;
    if (step.do === "resume") return slot.resume(step.busy);
    if (step.do === "kill") return this.kill(slot);
    if (slot.stopped) return; // A suspended process does nothing.
    switch (step.do) {
      case "sync":
        return this.#flushing.sync(slot);
      case "retry":
        this.context.past.disturbed = true;
        void this.#flushing.retry(slot, step.fix);
        return;
      case "flush":
        return this.#flushing.flush(slot, step.timeout);
      case "finish":
        past.disturbed ||= step.timeout !== undefined;
        return this.#flushing.finish(slot, step.timeout);
      case "exit":
        past.disturbed = true;
        if (step.natural) this.#flushing.exitNaturally(slot);
        else slot.exit();
        return;
      case "kill-at":
      case "crash-at":
        slot.doom = {
          left: step.after,
          ...(step.on ? { on: step.on } : {}),
          ...(step.near ? { near: step.near } : {}),
          ...(step.do === "crash-at" ? { crashSeed: step.seed } : {}),
        };
        return;
      case "stop":
        return this.#stop(slot);
    }
  }

  #stop(slot: SimProcess): void {
    this.context.past.disturbed = true;
    slot.stop();
  }

  /** Kills a process. */
  kill(victim: SimProcess): void {
    this.context.past.disturbed = true;
    this.trace.add(`p${victim.id} is killed`);
    victim.kill();
  }

  #crash(seed: number): void {
    const { past, disk, ledger } = this.context;
    this.trace.add("the machine crashes");
    past.disturbed = past.crashed = true;
    const random = new Random(seed);
    for (const slot of this.#slots.values()) if (slot instanceof SimProcess) slot.kill();
    for (const record of ledger.records) crashed(record);
    disk.crash(() => random.next());
    for (const host of this.#hosts) host.reboot();
    this.#slots.clear();
    this.#auditor.forget();
    for (const path of ledger.files(WAL_DIR)) {
      if (path.endsWith(".deadletter")) ledger.noteDeadLetters(path, past.requests);
    }
  }

  #healDisk(): void {
    this.#everywhere = [];
    for (const one of this.living) one.faults = [];
  }

  #isFree(slot: number): boolean {
    return this.#slots.get(slot)?.dead ?? true;
  }

  #freePid({ slot, host }: StartStep): number | undefined {
    const pid = this.#pids.get(slot);
    return pid === undefined || this.#hosts[host].isAlive(pid) ? undefined : pid;
  }

  /** Checks for interrupted calls that were not closed. */
  judgeClosings(): void {
    this.#closings.judge();
  }

  /** A random stream for this run and purpose. */
  random(purpose: number): Random {
    return new Random(mix(this.scenario.seed, purpose));
  }
}
