/**
 * The presence file of a process shows that it is running, and what its sender is doing.
 *
 * `<root>/.processes/<token>.json` is created before the first segment of the process, and is
 * rewritten at every heartbeat and every change of the sender's state. The names of segments
 * contain the token, so that this file is the heartbeat for all of them. A process that ends
 * normally removes it, or marks it as ended if records remain.
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
  /** Root directory of all logs. */
  readonly root: string;
  /** Token of this process, 32 hex digits. */
  readonly token: string;
  /** Base URL of the server. */
  readonly server: string;
  /** Whether this process sends. */
  readonly sender: boolean;
  /** Whether its log may have ends of calls that started in other logs; default `false`. */
  readonly sharesCalls?: boolean | undefined;
  /** Returns the current status of the sender; called at every heartbeat. */
  readonly report: () => SenderReport | null;
  /** Returns the current status of the log; called at every heartbeat. */
  readonly log?: () => LogReport;
  /** Called when another process asks this one to send now. */
  readonly onWake?: () => void;
}

/** The presence file of this process. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #path: string;
  /** Start of the last successful heartbeat, on the monotonic clock. */
  #heartbeatAt = -Infinity;
  #lapses = 0;
  #ended = false;

  /** Writes nothing before the first heartbeat. */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#path = presencePath(options.root, options.token);
  }

  /**
   * Whether the last heartbeat is so recent that no process can have presumed this one dead. Reads
   * no file.
   */
  get isFresh(): boolean {
    return this.#options.runtime.clock.monotonic() - this.#heartbeatAt <= LEASE_MS;
  }

  /**
   * Number of heartbeats that were so late that another process may have presumed this one dead.
   * Code that relies on fresh heartbeats must check for fences once after each lapse.
   */
  get lapses(): number {
    return this.#lapses;
  }

  /** Writes the file unless it is fresh. Throws the file system error if the write fails. */
  ensure(): void {
    if (!this.isFresh) this.#write();
  }

  /**
   * Sends a heartbeat. Does nothing if there is no log yet: the first writer creates the root.
   * Throws the file system error if the write fails.
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

  /** Sends a heartbeat; returns whether the write succeeded. */
  tryHeartbeat(): boolean {
    try {
      this.heartbeat();
      return this.isFresh;
    } catch {
      return false;
    }
  }

  /**
   * Marks the process as ended, after it has closed its log.
   *
   * @param leaves Whether to keep the file, because records remain or were lost.
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
    const { runtime: { files, clock } } = this.#options;
    const at = clock.monotonic();
    const text = presenceText(this.#options, this.#ended);
    files.makeDirectory(dirname(this.#path));
    try {
      files.replace(this.#path, text);
    } catch (error) {
      if (!hasCode(error, "ENOSPC") && !hasCode(error, "EDQUOT")) throw error;
      // A full disk has no room for a new file, but the blocks of this one can be overwritten.
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

/** Returns the text that shows a process and its status; {@linkcode parsePresence} reads it. */
export function presenceText(
  { runtime: { process, clock }, token, server, sender, sharesCalls, report, log }: Omit<
    PresenceOptions,
    "root"
  >,
  ended: boolean,
): string {
  const facts = { token, ...ownIdentity(process), server, sender, ended, at: clock.now() };
  const shared = sharesCalls ? { sharesCalls } : {};
  return JSON.stringify({ ...facts, ...shared, ...report(), ...(log ? { log: log() } : {}) });
}

/** Returns the path of the file that asks the process with this presence file to send now. */
function wakePath(presence: string): string {
  return presence.replace(/\.json$/, ".wake");
}

/**
 * Asks the process with this token to send now, instead of at the end of its backoff. It checks for
 * such requests at its heartbeats. Throws the file system error.
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
