/**
 * The other processes that a flush waits for: checks whether they can send, and asks them to try
 * now.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { HEARTBEAT_MS } from "../../wal/processes/failure_detector.ts";
import { wakeProcess } from "../../wal/processes/presence.ts";
import type { SenderReport } from "../../wal/processes/presence_state.ts";
import { isRunning, readProcesses } from "../../wal/processes/process_status.ts";
import { printable } from "../terminal/format.ts";
import { isMeant, type ProjectFilter } from "../logs/projects.ts";
import { processName } from "../status/state/sender_state.ts";
import type { FlushTargets } from "./targets.ts";
import type { Obstacle } from "./wait.ts";

/** Ms between two reads of other processes' reports. */
const LOOK_MS = 1_000;
/**
 * Ms in which a process that was asked to send now tries, and reports the result, at the latest.
 */
const ATTEMPT_MS = 3 * HEARTBEAT_MS;

/** Ms in which a process that resumes has sent a heartbeat. */
const SILENT_MS = 2 * HEARTBEAT_MS;

/** Process that the server rejects, and that was asked to retry. */
interface Attempt {
  /** Time of its last error when it was asked. */
  readonly errorAt: number | undefined;
  /** When to stop waiting for another one, on the monotonic clock. */
  readonly until: number;
}

/** Why another process does not send. */
export interface OtherTrouble {
  readonly state: "down" | "blocked" | "unresponsive";
  /** `HTTP 401: … (pid 4711)`. */
  readonly reason: string;
}

/** Records that exist only in the memory of running processes. */
export interface HeldInMemory {
  readonly records: number;
  readonly bytes: number;
  /** Names of the processes. */
  readonly processes: readonly string[];
}

/** Watches the processes that drain segments a flush waits for. */
export class OtherSenders {
  readonly #runtime: Runtime;
  readonly #root: string;
  #lookedAt = -Infinity;
  #trouble: OtherTrouble | null = null;
  #obstacle: Obstacle | null = null;
  #blocked: readonly string[] = [];
  #silent: readonly string[] = [];
  /** Processes that the server rejects, by token. */
  readonly #attempts = new Map<string, Attempt>();
  /** Since when processes have been seen without heartbeats, on the monotonic clock, by token. */
  readonly #silentSince = new Map<string, number>();

  /** @param root Root directory of all logs. */
  constructor(runtime: Runtime, root: string) {
    this.#runtime = runtime;
    this.#root = root;
  }

  /** Why other processes cannot send, as of the last `look`. */
  get trouble(): OtherTrouble | null {
    return this.#trouble;
  }

  /** Names of the processes whose requests the server rejects, as of the last `look`. */
  get blocked(): readonly string[] {
    return this.#blocked;
  }

  /** Names of the processes that have stopped sending heartbeats, as of the last `look`. */
  get silent(): readonly string[] {
    return this.#silent;
  }

  /**
   * Why everything left belongs to processes that cannot send it: the server rejects them, each
   * asked to try again, or they do not respond.
   */
  get obstacle(): Obstacle | null {
    return this.#obstacle;
  }

  /** Reads which records of a server are only in the memory of running processes. */
  async heldInMemory(server: string, filter: ProjectFilter): Promise<HeldInMemory> {
    const processes = (await readProcesses(this.#runtime, this.#root)).filter((process) =>
      isRunning(process) && process.server === server &&
      process.log !== null && isMeant(process.log, filter) && process.log.memory.records > 0
    );
    const sum = (of: "records" | "bytes"): number =>
      processes.reduce((all, { log }) => all + log!.memory[of], 0);
    return {
      records: sum("records"),
      bytes: sum("bytes"),
      processes: processes.map(processName),
    };
  }

  /** Reads the reports of other processes, and wakes those that are in backoff. */
  async look(targets: FlushTargets): Promise<void> {
    const { clock } = this.#runtime;
    if (clock.monotonic() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = clock.monotonic();
    const tokens = targets.otherDrainers;
    const writers = targets.otherWriters;
    this.#trouble = this.#obstacle = null;
    this.#blocked = this.#silent = [];
    if (tokens.size === 0) return;
    const blocked: string[] = [];
    const silent: string[] = [];
    const refused = new Set<string>();
    const unable = new Set<string>();
    for (const process of await readProcesses(this.#runtime, this.#root)) {
      const { token, sender } = process;
      if (!tokens.has(token) || !isRunning(process)) continue;
      // The lease of a suspended process expires, but only it may send what it writes.
      if (process.liveness === "unresponsive" && writers.has(token)) {
        silent.push(processName(process));
        if (this.#isSilent(token)) unable.add(token);
        this.#note("unresponsive", "no heartbeat", processName(process));
        continue;
      }
      this.#silentSince.delete(token);
      if (sender === null) continue;
      if (sender.state === "down") this.#wake(token);
      if (sender.state === "blocked") {
        blocked.push(processName(process));
        if (this.#hasTried(token, sender)) refused.add(token);
      }
      if (sender.state !== "up") this.#note(sender.state, sender.reason, processName(process));
    }
    this.#blocked = blocked;
    this.#silent = silent;
    for (const token of refused) unable.add(token);
    if (unable.size === 0 || !targets.areAllOf(unable)) return;
    this.#obstacle = refused.size > 0 ? "refused" : "unresponsive";
  }

  /**
   * Asks a process that the server rejects to try once more: the reason may be fixed, and it waits
   * for minutes between attempts. Returns whether it was rejected again, or has not tried in time.
   */
  #hasTried(token: string, { lastError }: SenderReport): boolean {
    const now = this.#runtime.clock.monotonic();
    const attempt = this.#attempts.get(token);
    if (attempt !== undefined) return now >= attempt.until || lastError?.at !== attempt.errorAt;
    this.#attempts.set(token, { errorAt: lastError?.at, until: now + ATTEMPT_MS });
    this.#wake(token);
    return false;
  }

  /**
   * Returns whether a process has sent no heartbeat for long enough while this command looked: after
   * a pause of the machine, all heartbeats are old.
   */
  #isSilent(token: string): boolean {
    const now = this.#runtime.clock.monotonic();
    const since = this.#silentSince.get(token) ?? now;
    this.#silentSince.set(token, since);
    return now - since >= SILENT_MS;
  }

  #note(state: OtherTrouble["state"], reason: string, name: string): void {
    if (this.#trouble?.state === "blocked") return;
    this.#trouble = { state, reason: printable(`${reason} (${name})`) };
  }

  #wake(token: string): void {
    try {
      wakeProcess(this.#runtime, this.#root, token);
    } catch {
      // It will retry later anyway.
    }
  }
}
