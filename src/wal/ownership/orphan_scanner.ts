/**
 * What other processes left: finds segments that this sender may drain and takes claims on them.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import { beatAll, Claim, currentClaim, removeIfThere } from "./lease.ts";
import { FileSegment } from "../segment/file_segment.ts";
import { HeartbeatWatch } from "./failure_detector.ts";
import { type Identity, liveness, ownIdentity } from "./process_identity.ts";
import {
  mayBeFor,
  parseStem,
  SEGMENT_SUFFIX,
  segmentPaths,
  type SegmentStem,
} from "../segment/segment_name.ts";
import { readOwner } from "./owner_file.ts";
import { seal } from "./fence.ts";

const PROBE = /^[0-9a-f]{32}\.probe$/;

/** What a recovery is made from. */
export interface RecoveryOptions {
  readonly runtime: Runtime;
  /** Base URL of the server that this sender sends to; segments for other servers are left alone. */
  readonly server: string;
  /** Token of this sender, 32 hex digits: the writer token of its own log. */
  readonly token: string;
  /** Whether segments of its own log may be claimed too: where this process does not send them. */
  readonly ownToo?: boolean;
}

/** What is known of the writer of a segment. */
interface WriterState {
  /** Whether it will write no more. */
  readonly gone: boolean;
  /** Whether that is known, and not only likely because it is silent. */
  readonly known?: boolean;
  /** Whether somebody else may drain the segment. */
  readonly drainable: boolean;
  /** Whether its heartbeat alone speaks for it, and is being watched. */
  readonly watched?: boolean;
}

/** Finds and claims segments of other processes, directory by directory. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #identity: Identity;
  readonly #watch: HeartbeatWatch;
  readonly #claims = new Set<Claim>();
  /** Segments of the own log that another sender took over, or that could not be removed. */
  readonly #lost = new Set<string>();

  /** Makes a recovery that has claimed nothing. */
  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#identity = ownIdentity(options.runtime.process);
    this.#watch = new HeartbeatWatch(options.runtime.files, options.runtime.clock);
  }

  /**
   * Claims the oldest segment of every writer in `directory` that may be drained and is not drained
   * by anybody. Later segments of a writer come when the earlier ones are gone, so that its records
   * stay in order.
   */
  claim(directory: string): FileSegment[] {
    const stems = this.#stems(directory);
    const claimed: FileSegment[] = [];
    const seen = new Set<string>();
    for (const stem of stems.segments) {
      if (seen.has(stem.writer)) continue;
      if (this.#isOwn(stem)) continue;
      seen.add(stem.writer);
      const segment = this.#tryClaim(directory, stem);
      if (segment) claimed.push(segment);
    }
    for (const stem of stems.orphans) this.#clear(directory, stem);
    for (const probe of stems.probes) {
      if (this.#watch.isStale(probe, undefined)) removeIfThere(this.#options.runtime.files, probe);
    }
    return claimed;
  }

  /** Whether this process drains a segment as the one that writes it. */
  #isOwn({ stem, writer }: SegmentStem): boolean {
    const { token, ownToo = false } = this.#options;
    return writer === token && !ownToo && !this.#lost.has(stem);
  }

  /** A segment of this process's own log is not its own to drain any more: it may be claimed anew. */
  adopt(stem: string): void {
    this.#lost.add(stem);
  }

  /** Shows that the holder of the claims lives. Called at every heartbeat. */
  beat(): void {
    beatAll(this.#claims);
  }

  #tryClaim(directory: string, stem: SegmentStem): FileSegment | null {
    const { runtime, token } = this.#options;
    const paths = segmentPaths(directory, stem.stem);
    const { drainable, watched } = this.#writer(directory, stem);
    if (!drainable && !watched) return null;
    // Watched together with the writer: one after the other they would take twice as long.
    const current = currentClaim(runtime.files, paths.claim);
    const claimed = current && !this.#isGone(directory, current.path, current.holder);
    if (!drainable || claimed) return null;
    const claim = Claim.take(
      runtime,
      paths.claim,
      current,
      token,
      this.#identity,
      ({ path, holder }) => this.#isGone(directory, path, holder),
    );
    if (claim === null) return null;
    this.#claims.add(claim);
    try {
      return new FileSegment({
        runtime,
        directory,
        stem: stem.stem,
        paths,
        claim,
        live: false,
        isSealed: () => this.#isFinal(directory, stem),
        onRelease: () => this.#claims.delete(claim),
      });
    } catch (error) {
      this.#claims.delete(claim);
      claim.release();
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
  }

  #isFinal(directory: string, stem: SegmentStem): boolean | "for ever" {
    const { gone, known } = this.#writer(directory, stem);
    if (!gone) return false;
    if (known) return "for ever";
    const { files } = this.#options.runtime;
    return seal(
      files,
      segmentPaths(directory, stem.stem),
      () => this.#writer(directory, stem).gone,
    );
  }

  #writer(directory: string, stem: SegmentStem): WriterState {
    const { runtime: { files, process }, server } = this.#options;
    // Given up by the log of this process, which has gone on to the next.
    if (this.#lost.has(stem.stem)) return { gone: true, known: true, drainable: true };
    const paths = segmentPaths(directory, stem.stem);
    const owner = readOwner(files, paths.owner);
    if (owner === "missing") {
      const gone = !this.#lockHolderLives(paths.lock);
      return { gone, drainable: true };
    }
    if (owner === "damaged") {
      if (!mayBeFor(server, stem.writer)) return { gone: false, drainable: false };
      const gone = this.#watch.isStale(paths.owner, this.#reference(directory));
      return { gone, drainable: gone, watched: !gone };
    }
    if (owner.server !== null && owner.server !== server) return { gone: false, drainable: false };
    if (owner.closed) return { gone: true, known: true, drainable: true };
    const state = liveness(owner, process);
    if (state === "dead") return { gone: true, known: true, drainable: true };
    if (state === "alive" && !owner.sender) return { gone: false, drainable: true };
    const silent = this.#watch.isStale(
      paths.owner,
      state === "unknown" ? this.#reference(directory) : undefined,
    );
    // A stopped process lives and is silent: others may send for it, nobody may delete for it.
    const watched = state === "unknown" && !silent;
    return { gone: state === "unknown" && silent, drainable: silent || !owner.sender, watched };
  }

  #isGone(directory: string, path: string, holder: Identity | null): boolean {
    const state = holder === null ? "unknown" : liveness(holder, this.#options.runtime.process);
    if (state === "dead") return true;
    const reference = state === "unknown" ? this.#reference(directory) : undefined;
    return this.#watch.isStale(path, reference);
  }

  /** A lock without an owner file is the Python SDK's: it holds a PID of this host, no more. */
  #lockHolderLives(lock: string): boolean {
    const { files, process } = this.#options.runtime;
    let text: string;
    try {
      text = files.readText(lock);
    } catch (error) {
      return !hasCode(error, "ENOENT");
    }
    const pid = /^\s*\d{1,10}\s*$/.test(text) ? Number(text) : 0;
    // This process did not write it: the id is used again, as 1 is in every container.
    return pid > 0 && pid !== process.pid && process.isAlive(pid);
  }

  /** What the file system's own clock says now, epoch ms. */
  #reference(directory: string): number | undefined {
    const { files } = this.#options.runtime;
    const path = join(directory, `${this.#options.token}.probe`);
    try {
      removeIfThere(files, path);
      files.createExclusive(path, "");
      const modified = files.stat(path)?.modified;
      files.remove(path);
      return modified;
    } catch {
      return undefined;
    }
  }

  #stems(
    directory: string,
  ): { segments: SegmentStem[]; orphans: SegmentStem[]; probes: string[] } {
    const segments = new Map<string, SegmentStem>();
    const others = new Map<string, SegmentStem>();
    const probes: string[] = [];
    for (const { name, kind } of this.#options.runtime.files.list(directory)) {
      if (kind !== "file") continue;
      // Made and removed in one breath: one that stays is of a process killed in between.
      if (PROBE.test(name)) probes.push(join(directory, name));
      const dot = name.indexOf(".");
      const stem = dot === -1 ? null : parseStem(name.slice(0, dot));
      if (stem === null) continue;
      const suffix = name.slice(dot);
      if (suffix === SEGMENT_SUFFIX) segments.set(stem.stem, stem);
      else if (!/^\.(deadletter|quarantine)$/.test(suffix)) others.set(stem.stem, stem);
    }
    const byName = (a: SegmentStem, b: SegmentStem): number => a.stem < b.stem ? -1 : 1;
    return {
      segments: [...segments.values()].sort(byName),
      orphans: [...others.values()].filter(({ stem }) => !segments.has(stem)).sort(byName),
      probes,
    };
  }

  /** Takes away sidecars whose data is gone and whose writer is too. */
  #clear(directory: string, stem: SegmentStem): void {
    const { files } = this.#options.runtime;
    if (stem.writer === this.#options.token || !this.#writer(directory, stem).gone) return;
    const paths = segmentPaths(directory, stem.stem);
    const claim = currentClaim(files, paths.claim);
    if (claim && !this.#isGone(directory, claim.path, claim.holder)) return;
    // A lock without a PID may be one that its writer is about to fill.
    const halfMade = files.stat(paths.owner) === null && files.stat(paths.lock)?.size === 0;
    if (halfMade && !this.#watch.isStale(paths.lock, undefined)) return;
    if (files.stat(paths.data) !== null) return;
    for (const { name } of files.list(directory)) {
      if (!name.startsWith(`${stem.stem}.`) || /\.(deadletter|quarantine|jsonl)$/.test(name)) {
        continue;
      }
      removeIfThere(files, join(directory, name));
    }
  }
}

/** The project directories below the root of all logs, those named by `first` in front. */
export function projectDirectories(runtime: Runtime, root: string, first?: string): string[] {
  const found: string[] = [];
  for (const entity of directoriesIn(runtime, root)) {
    found.push(...directoriesIn(runtime, entity));
  }
  found.sort();
  return first === undefined ? found : [first, ...found.filter((path) => path !== first)];
}

function directoriesIn({ files }: Runtime, path: string): string[] {
  try {
    return files.list(path).filter(({ kind }) => kind === "directory")
      .map(({ name }) => join(path, name));
  } catch {
    return [];
  }
}
