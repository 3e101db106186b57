/**
 * Determines whether the writer of a segment is still running, and who may drain its segments.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import {
  isProcessToken,
  mayTarget,
  SEGMENT_SUFFIX,
  segmentPaths,
} from "../segment/segment_name.ts";
import type { ListedSegment } from "./directory_listing.ts";
import { FailureDetector, STALE_AFTER_MS } from "./failure_detector.ts";
import { currentLease } from "./lease.ts";
import { readOwner } from "./owner_file.ts";
import { presencePath, type PresenceState, readPresence } from "./presence_state.ts";
import { liveness } from "./process_identity.ts";
import { onlyWrites } from "./python_writer.ts";

/**
 * State of the writer of a segment.
 *
 * - `ended`: no record will follow.
 * - `presumed-dead`: only its heartbeats are evidence, and they have stopped: its segments must be
 *   fenced before they are drained.
 * - `write-only`: it runs, but does not send.
 * - `kept`: it runs and sends its segments itself, or they are for another server.
 * - `watched`: only its heartbeats are evidence, and they have not stopped for long enough.
 */
export type WriterState = "ended" | "presumed-dead" | "write-only" | "kept" | "watched";

/** Options for {@linkcode WriterStates}. */
export interface WriterStatesOptions {
  readonly runtime: Runtime;
  /** Root directory of all logs. */
  readonly root: string;
  /** Base URL of the server that this process sends to. */
  readonly server: string;
  /** Token of this process. */
  readonly token: string;
}

/** Ms for which a presence file is not read again while its process is known to run. */
const REREAD_MS = 10_000;

/** Determines the states of writers, and caches observations. */
export class WriterStates {
  readonly #options: WriterStatesOptions;
  readonly #detector: FailureDetector;
  /** Presence files of running processes, with the time they were read, on the monotonic clock. */
  readonly #present = new Map<string, { presence: PresenceState; at: number }>();
  /** Time since which the presence file of a process has been missing, on the monotonic clock. */
  readonly #missing = new Map<string, number>();
  /** Processes that are known to be dead, which is final. */
  readonly #dead = new Set<string>();

  constructor(options: WriterStatesOptions) {
    this.#options = options;
    const { files, clock } = options.runtime;
    this.#detector = new FailureDetector(files, clock);
  }

  /** Returns the current state of the writer of `segment`. */
  of(segment: ListedSegment): WriterState {
    const { writer, suffixes } = segment;
    if (isProcessToken(writer)) {
      return this.isTarget(writer) ? this.#ofProcess(writer) : "kept";
    }
    return suffixes.has(".owner") ? this.#ofOwner(segment) : this.#ofLock(segment);
  }

  /** Returns whether the records of a process are for this process's server. */
  isTarget(token: string): boolean {
    return mayTarget(this.#options.server, token);
  }

  /** Forgets processes that no longer have segments. */
  forgetAllBut(tokens: ReadonlySet<string>): void {
    for (const known of [this.#present, this.#missing, this.#dead]) {
      for (const token of known.keys()) if (!tokens.has(token)) known.delete(token);
    }
  }

  #ofProcess(token: string): WriterState {
    if (this.#dead.has(token)) return "ended";
    const { runtime, root } = this.#options;
    const path = presencePath(root, token);
    const presence = this.#presenceOf(token, path);
    if (presence === null) return this.#ofMissing(token, path);
    this.#missing.delete(token);
    const state = presence.ended ? "dead" : liveness(presence.identity, runtime.process);
    if (state === "dead") {
      this.#dead.add(token);
      this.#present.delete(token);
      return "ended";
    }
    // A suspended process is alive: its records wait until it resumes or ends.
    if (state === "alive") return presence.sender ? "kept" : "write-only";
    if (this.#detector.isStale(path, this.fsNow())) return "presumed-dead";
    return presence.sender ? "watched" : "write-only";
  }

  #presenceOf(token: string, path: string): PresenceState | null {
    const { runtime } = this.#options;
    const now = runtime.clock.monotonic();
    const known = this.#present.get(token);
    if (known && now - known.at < REREAD_MS) return known.presence;
    const presence = readPresence(runtime, path);
    if (presence === null) this.#present.delete(token);
    else this.#present.set(token, { presence, at: now });
    return presence;
  }

  /** A machine crash can lose or empty the file; a running process soon writes it again. */
  #ofMissing(token: string, path: string): WriterState {
    const { files, clock } = this.#options.runtime;
    if (files.stat(path) !== null) {
      return this.#detector.isStale(path, this.fsNow()) ? "presumed-dead" : "watched";
    }
    const since = this.#missing.get(token) ?? clock.monotonic();
    this.#missing.set(token, since);
    return clock.monotonic() - since >= STALE_AFTER_MS ? "presumed-dead" : "watched";
  }

  /** Version 0.1 wrote an owner file beside each segment, and leased segments individually. */
  #ofOwner({ directory, stem, writer, suffixes }: ListedSegment): WriterState {
    const { runtime, server } = this.#options;
    const { files, process } = runtime;
    const paths = segmentPaths(directory, stem);
    if ([...suffixes].some((suffix) => suffix.startsWith(".claim."))) {
      const claim = currentLease(files, paths.claim);
      const holder = claim?.holder ? liveness(claim.holder, process) : "unknown";
      const isHeld = claim !== null && holder !== "dead" &&
        !this.#detector.isStale(claim.path, this.fsNow());
      if (isHeld) return "watched";
    }
    const owner = readOwner(files, paths.owner);
    if (owner === "missing") return "watched"; // Removed since the directory was listed.
    if (owner === "corrupt") {
      if (!mayTarget(server, writer)) return "kept";
      return this.#detector.isStale(paths.owner, this.fsNow()) ? "ended" : "watched";
    }
    if (owner.server !== null && owner.server !== server) return "kept";
    if (owner.closed) return "ended";
    const state = liveness(owner, process);
    if (state === "dead") return "ended";
    if (state === "alive") return owner.sender ? "kept" : "write-only";
    if (this.#detector.isStale(paths.owner, this.fsNow())) return "ended";
    return owner.sender ? "watched" : "write-only";
  }

  /**
   * A segment that has neither a token of this package nor an owner file was written by the Python
   * SDK. Its lock contains a PID of this host. A running Python process sends its segments itself,
   * unless its sender is disabled.
   */
  #ofLock({ directory, stem, suffixes }: ListedSegment): WriterState {
    if (!suffixes.has(".lock")) return "ended";
    const { files, process } = this.#options.runtime;
    const { lock } = segmentPaths(directory, stem);
    let text: string;
    try {
      text = files.readText(lock);
    } catch (error) {
      return hasCode(error, "ENOENT") ? "ended" : "kept";
    }
    // The writer may be about to fill an empty lock.
    if (text.trim() === "" && !suffixes.has(SEGMENT_SUFFIX)) {
      return this.#detector.isStale(lock, undefined) ? "ended" : "watched";
    }
    const pid = /^\s*\d{1,10}\s*$/.test(text) ? Number(text) : 0;
    // This process did not write it: the PID was reused, as PID 1 is in every container.
    if (pid === 0 || pid === process.pid || !process.isAlive(pid)) return "ended";
    return onlyWrites(process, pid) ? "write-only" : "kept";
  }

  /** Returns the time of the file system's clock, epoch ms, at this process's last heartbeat. */
  fsNow(): number | undefined {
    const { runtime: { files }, root, token } = this.#options;
    try {
      return files.stat(presencePath(root, token))?.modified;
    } catch {
      return undefined;
    }
  }
}
