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
import { processName } from "../status/state/sender_state.ts";
import type { FlushTargets } from "./targets.ts";

/** Ms between two reads of other processes' reports. */
const LOOK_MS = 1_000;
/**
 * Ms in which a process that was asked to send now tries, and reports the result, at the latest.
 */
const ATTEMPT_MS = 3 * HEARTBEAT_MS;

/** Process that the server rejects, and that was asked to retry. */
interface Attempt {
  /** Time of its last error when it was asked. */
  readonly errorAt: number | undefined;
  /** When to stop waiting for another one, on the monotonic clock. */
  readonly until: number;
}

/** Why another process does not send. */
export interface OtherTrouble {
  readonly state: "down" | "blocked";
  /** `HTTP 401: … (pid 4711)`. */
  readonly reason: string;
}

/** Watches the processes that drain segments a flush waits for. */
export class OtherSenders {
  readonly #runtime: Runtime;
  readonly #root: string;
  #lookedAt = -Infinity;
  #trouble: OtherTrouble | null = null;
  #isRefused = false;
  #blocked: readonly string[] = [];
  /** Processes that the server rejects, by token. */
  readonly #attempts = new Map<string, Attempt>();

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

  /**
   * Whether everything left belongs to processes that the server rejects, each asked to try again.
   */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Reads the reports of other processes, and wakes those that are in backoff. */
  async look(targets: FlushTargets): Promise<void> {
    const { clock } = this.#runtime;
    if (clock.monotonic() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = clock.monotonic();
    const tokens = targets.otherDrainers;
    this.#trouble = null;
    this.#isRefused = false;
    this.#blocked = [];
    if (tokens.size === 0) return;
    const blocked: string[] = [];
    const refused = new Set<string>();
    for (const process of await readProcesses(this.#runtime, this.#root)) {
      const { token, sender } = process;
      if (!tokens.has(token) || !isRunning(process) || sender === null) continue;
      if (sender.state === "down") this.#wake(token);
      if (sender.state === "blocked") {
        blocked.push(processName(process));
        if (this.#hasTried(token, sender)) refused.add(token);
      }
      this.#note(sender, processName(process));
    }
    this.#blocked = blocked;
    this.#isRefused = refused.size > 0 && targets.areAllOf(refused);
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

  #note({ state, reason }: SenderReport, name: string): void {
    if (state === "up" || this.#trouble?.state === "blocked") return;
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
