/**
 * The other processes that a flush waits for: checks whether they can send, and asks them to try
 * now.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { wakeProcess } from "../../wal/ownership/presence.ts";
import type { SenderReport } from "../../wal/ownership/presence_state.ts";
import { isRunning, readProcesses } from "../../wal/ownership/process_status.ts";
import { printable } from "../terminal/format.ts";
import { processName } from "../status/sender_state.ts";
import type { FlushTargets } from "./targets.ts";

/** Ms between two reads of other processes' reports. */
const LOOK_MS = 1_000;

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

  /** Whether everything left belongs to processes whose requests the server rejects. */
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
    const blocked = new Map<string, string>();
    for (const process of await readProcesses(this.#runtime, this.#root)) {
      const { token, sender } = process;
      if (!tokens.has(token) || !isRunning(process) || sender === null) continue;
      if (sender.state === "blocked") blocked.set(token, processName(process));
      if (sender.state === "down") this.#wake(token);
      this.#note(sender, processName(process));
    }
    this.#blocked = [...blocked.values()];
    this.#isRefused = blocked.size > 0 && targets.areAllOf(new Set(blocked.keys()));
  }

  #note({ state, reason }: SenderReport, name: string): void {
    if (state === "up" || this.#trouble?.state === "blocked") return;
    this.#trouble = { state, reason: printable(`${reason} (${name})`) };
  }

  #wake(token: string): void {
    try {
      wakeProcess(this.#runtime, this.#root, token);
    } catch {
      // It will retry by itself later.
    }
  }
}
