/**
 * The presence file of a process: that it runs, and what its sender is doing.
 *
 * `<root>/.processes/<token>.json` exists before the first segment of the process does, and is
 * rewritten at every heartbeat and at every change of the sender's state. The names of segments
 * contain the token, so this one file is the heartbeat for all of them. A process that ends
 * normally removes it, or marks it as ended if records are left.
 *
 * @module
 */

import { type LogReport, presencePath, type SenderReport } from "./presence_state.ts";
import { dirname } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import { removeIfExists } from "../remove_file.ts";
import { LEASE_MS } from "./failure_detector.ts";
import { ownIdentity } from "./process_identity.ts";

/** Options for {@linkcode Presence}. */
export interface PresenceOptions {
  readonly runtime: Runtime;
  /** Directory of all logs. */
  readonly root: string;
  /** The token of this process, 32 hex digits. */
  readonly token: string;
  /** Base URL of the server. */
  readonly server: string;
  /** Whether this process sends. */
  readonly sender: boolean;
  /** Status of the sender now; asked at every heartbeat. */
  readonly report: () => SenderReport | null;
  /** Status of the log now; asked at every heartbeat. */
  readonly log?: () => LogReport;
  /** Called when another process asks this one to send now. */
  readonly onWake?: () => void;
}

/** The presence file of this process. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #path: string;
  /** When the last successful heartbeat began, on the monotonic clock. */
  #heartbeatAt = -Infinity;
  #lapses = 0;
  #ended = false;

  /** Makes a presence; nothing is written before the first heartbeat. */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#path = presencePath(options.root, options.token);
  }

  /**
   * Whether the last heartbeat is so recent that no process can have presumed this one dead; reads
   * no file.
   */
  get isFresh(): boolean {
    return this.#options.runtime.clock.monotonic() - this.#heartbeatAt <= LEASE_MS;
  }

  /**
   * Heartbeats that came so late that another process may have presumed this one dead. Code that
   * relies on a fresh heartbeat has to look for fences once after each lapse.
   */
  get lapses(): number {
    return this.#lapses;
  }

  /**
   * Writes the file unless a fresh one exists. Throws the host's error if the disk does not take
   * it.
   */
  ensure(): void {
    if (!this.isFresh) this.#write();
  }

  /**
   * Sends a heartbeat. Does nothing before there is a log: its root is made by the first writer.
   * Throws the host's error if the disk does not take it.
   */
  heartbeat(): void {
    const { runtime: { files }, root, onWake } = this.#options;
    if (files.stat(root) === null) return;
    this.#write();
    const wake = wakePath(this.#path);
    if (onWake === undefined || !files.exists(wake)) return;
    removeIfExists(files, wake);
    onWake();
  }

  /** Sends a heartbeat; returns whether the disk took it. */
  tryHeartbeat(): boolean {
    try {
      this.heartbeat();
      return this.isFresh;
    } catch {
      return false;
    }
  }

  /**
   * The process has closed its log.
   *
   * @param leaves Whether the file is still needed: records are left, or were lost.
   */
  end(leaves: boolean): void {
    this.#ended = true;
    const { files } = this.#options.runtime;
    if (leaves) return this.heartbeat();
    removeIfExists(files, this.#path);
    removeIfExists(files, wakePath(this.#path));
    try {
      files.removeDirectory(dirname(this.#path));
    } catch {
      // Other processes are running, or nothing was ever written.
    }
  }

  #write(): void {
    const { runtime: { files, process, clock }, token, server, sender, report, log } =
      this.#options;
    const at = clock.monotonic();
    const identity = ownIdentity(process);
    const facts = { token, ...identity, server, sender, ended: this.#ended, at: clock.now() };
    const text = JSON.stringify({ ...facts, ...report(), ...(log ? { log: log() } : {}) });
    files.makeDirectory(dirname(this.#path));
    try {
      files.replace(this.#path, text);
    } catch (error) {
      if (!hasCode(error, "ENOSPC") && !hasCode(error, "EDQUOT")) throw error;
      // A full disk takes no new file, but it takes other bytes in the blocks of this one.
      try {
        files.overwrite(this.#path, text);
      } catch {
        throw error;
      }
    }
    if (at - this.#heartbeatAt > LEASE_MS && this.#heartbeatAt !== -Infinity) this.#lapses++;
    this.#heartbeatAt = at;
  }
}

/** Path of the file that asks the process with this presence file to send now. */
function wakePath(presence: string): string {
  return presence.replace(/\.json$/, ".wake");
}

/**
 * Asks the process with this token to send now instead of at the end of its backoff; it looks for
 * such requests at its heartbeats. Throws the host's error.
 */
export function wakeProcess({ files }: Pick<Runtime, "files">, root: string, token: string): void {
  const path = presencePath(root, token);
  if (files.stat(path) === null) return;
  try {
    files.createExclusive(wakePath(path), "");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}
