/**
 * Determines whether the writer of a segment is still running, and who may drain its segments.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import {
  isProcessToken,
  mayTarget,
  SEGMENT_SUFFIX,
  segmentPaths,
} from "../segment/segment_name.ts";
import type { ListedSegment } from "./directory_listing.ts";
import { FailureDetector, STALE_AFTER_MS } from "../processes/failure_detector.ts";
import { currentLease } from "../leases/lease.ts";
import { readOwner } from "../processes/owner_file.ts";
import { presencePath, type PresenceState, readPresence } from "../processes/presence_state.ts";
import { liveness } from "../processes/process_identity.ts";
import { onlyWrites } from "../processes/python_writer.ts";

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

/** Ms for which the presence file of a running process is not read again. */
const REREAD_MS = 10_000;
/** Neighbors that are looked at whenever they are asked about. */
const FEW_NEIGHBORS = 32;
/** Checks per second of the neighbors beyond those, as long as each is due in time. */
const LOOKS_PER_SECOND = 8;
/** Maximum ms for which a process counts as running without another check. */
const MAX_TRUST_MS = 10_000;
/** The same for processes that send, all of which check each other. */
const MAX_SENDER_TRUST_MS = 30_000;

/** A process that runs; times are on the monotonic clock. */
interface Running {
  readonly presence: PresenceState;
  readonly readAt: number;
  readonly state: WriterState;
  /** Time of the next check. */
  readonly trustedUntil: number;
}

/** Determines the states of writers, and caches observations. */
export class WriterStates {
  readonly #options: WriterStatesOptions;
  readonly #detector: FailureDetector;
  /** Processes that run, as far as is known. */
  readonly #running = new Map<string, Running>();
  /** Time since which the presence file of a process has been missing, on the monotonic clock. */
  readonly #missing = new Map<string, number>();
  /** Whether a process shares calls, according to its presence file. */
  readonly #sharing = new Map<string, boolean>();
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

  /**
   * Returns whether a segment may have ends of calls that started in other logs. So it may if the
   * presence file of its process is lost: an end that waits in vain costs less than the end of a
   * call among the dead letters.
   */
  sharesCalls({ writer }: ListedSegment): boolean {
    if (!isProcessToken(writer)) return false;
    const known = this.#sharing.get(writer);
    if (known !== undefined) return known;
    const presence = this.#read(writer);
    return presence === null || presence.sharesCalls;
  }

  #read(token: string): PresenceState | null {
    const { runtime, root } = this.#options;
    const presence = readPresence(runtime, presencePath(root, token));
    if (presence !== null) this.#sharing.set(token, presence.sharesCalls);
    return presence;
  }

  /** Forgets processes that no longer have segments, in slices. */
  async forgetAllBut(isWriter: (token: string) => boolean): Promise<void> {
    const slices = new Slices(this.#options.runtime.clock);
    for (const known of [this.#running, this.#missing, this.#dead, this.#sharing]) {
      for (const token of known.keys()) {
        if (slices.isOver) await slices.next();
        if (!isWriter(token)) known.delete(token);
      }
    }
  }

  #ofProcess(token: string): WriterState {
    if (this.#dead.has(token)) return "ended";
    const { runtime, root } = this.#options;
    const now = runtime.clock.monotonic();
    const known = this.#running.get(token);
    if (known !== undefined && now < known.trustedUntil) return known.state;
    const path = presencePath(root, token);
    const isRecent = known !== undefined && now - known.readAt < REREAD_MS;
    const presence = isRecent ? known.presence : this.#read(token);
    this.#running.delete(token);
    if (presence === null) return this.#ofMissing(token, path);
    this.#missing.delete(token);
    const found = presence.ended ? "dead" : liveness(presence.identity, runtime.process);
    if (found === "dead") {
      this.#dead.add(token);
      return "ended";
    }
    // A suspended process is alive: its records wait until it resumes or ends.
    const isAlive = found === "alive";
    if (!isAlive && this.#detector.isStale(path, this.fsNow())) return "presumed-dead";
    const state = !presence.sender ? "write-only" : isAlive ? "kept" : "watched";
    const readAt = isRecent ? known.readAt : now;
    const trustedUntil = isAlive ? now + this.#trustMs(token, presence, known === undefined) : now;
    this.#running.set(token, { presence, readAt, state, trustedUntil });
    return state;
  }

  /**
   * Returns the ms for which a process counts as running without another check. With many
   * neighbors, each is checked less often, so that the number of checks per second is bounded; the
   * first intervals differ, to spread the checks. Any of the neighbors may detect a death.
   */
  #trustMs(token: string, { sender }: PresenceState, isFirst: boolean): number {
    const maxMs = sender ? MAX_SENDER_TRUST_MS : MAX_TRUST_MS;
    const many = Math.max(0, this.#running.size - FEW_NEIGHBORS);
    const interval = Math.min(maxMs, many / LOOKS_PER_SECOND * 1_000);
    return isFirst ? interval * parseInt(token.slice(0, 4), 16) / 0xffff : interval;
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
    if (pid === 0 || pid === process.pid || process.findProcess(pid) === null) return "ended";
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
