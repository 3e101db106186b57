/**
 * The log on disk: a stream of segments that this process alone writes.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import type { FileSystem, Runtime } from "../../runtime/runtime.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import { hasCode } from "../../errors.ts";
import { beatAll, Claim } from "../ownership/lease.ts";
import { type FsyncPolicy, FsyncScheduler } from "./fsync_scheduler.ts";
import type { DiskQuota } from "./disk_quota.ts";
import { FileSegment } from "../segment/file_segment.ts";
import { type Identity, ownIdentity } from "../ownership/process_identity.ts";
import { formatStem, segmentPaths } from "../segment/segment_name.ts";
import type { Owner } from "../ownership/owner_file.ts";
import { RECORD_PREFIX, RECORD_SUFFIX } from "../record/record.ts";
import type { LogListener, RequestLog } from "./record_log.ts";
import { SegmentWriter } from "./segment_writer.ts";

/** What a file log is made from. */
export interface FileLogOptions {
  readonly runtime: Runtime;
  /** Directory of all logs; `.weave/wal`. */
  readonly root: string;
  /** Directory of the project's segments, below `root`. */
  readonly directory: string;
  /** 32 hex digits, new for every log. */
  readonly writer: string;
  /** Base URL of the server that the records are for. */
  readonly server: string;
  /** Whether this process sends what it writes. */
  readonly sender: boolean;
  readonly fsync: FsyncPolicy;
  /** Ms between data syncs under `interval`. */
  readonly fsyncIntervalMs: number;
  /** Records after which a data sync begins under `interval`. */
  readonly fsyncRecords: number;
  /** Bytes after which a segment is closed and the next one begun. */
  readonly segmentBytes: number;
  /** Keeps the project's directory within its bytes. */
  readonly quota: DiskQuota;
  readonly listener: LogListener;
}

/** Appends records to segments in a directory. Every method but `sync` is synchronous. */
export class FileLog implements RequestLog {
  readonly kind = "file";
  readonly #options: FileLogOptions;
  readonly #identity: Identity;
  readonly #claims = new Set<Claim>();
  readonly #written = { records: 0, bytes: 0 };
  readonly #sync: FsyncScheduler;
  #active: SegmentWriter | null = null;
  #lastTime = 0n;
  /** Size of the current segment when its name was last seen to be in place. */
  #verified = 0;
  /** Whether the names of the directories were forced to stable storage. */
  #named = false;
  /** A second failure to sync in a row: the current segment is not to be trusted with the next record. */
  #failed: unknown = null;
  #syncFailures = 0;
  /** Segments that were left and are not known to be closed on disk. */
  readonly #unclosed = new Set<SegmentWriter>();
  /** Segments whose records stand in a later one too. */
  readonly #rescued = new WeakSet<SegmentWriter>();

  /** Makes the log; nothing is on disk before the first record. */
  constructor(options: FileLogOptions) {
    this.#options = options;
    this.#identity = ownIdentity(options.runtime.process);
    this.#sync = new FsyncScheduler({
      clock: options.runtime.clock,
      files: options.runtime.files,
      policy: options.fsync,
      intervalMs: options.fsyncIntervalMs,
      records: options.fsyncRecords,
      onFailed: (segment, error) => this.#syncFailed(segment, error),
      onUnsupported: (error) => options.listener.onSyncUnsupported(error),
      onSynced: () => this.#syncFailures = 0,
      onDirectoryFailed: (error) => options.listener.onSyncError(error),
    });
  }

  /**
   * Makes the directories and tries whether a file can be made in them.
   *
   * Throws the host's error when it cannot.
   */
  prepare(): void {
    const { runtime: { files }, directory, writer } = this.#options;
    this.#makeDirectories();
    const probe = join(directory, `${writer}.probe`);
    files.createExclusive(probe, "");
    files.remove(probe);
  }

  append(type: RecordType, request: string): void {
    if (this.#failed !== null) {
      const error = this.#failed;
      this.#failed = null;
      throw error;
    }
    const { quota, segmentBytes, listener } = this.#options;
    const line = RECORD_PREFIX[type] + request + RECORD_SUFFIX;
    quota.admit(line);
    let segment = this.#active ?? this.#begin();
    for (;;) {
      const size = segment.size;
      try {
        segment.append(line);
      } catch (error) {
        if (segment.sealed) this.#leave(segment);
        throw error;
      }
      const bytes = segment.size - size;
      if (segment.isOwn()) {
        quota.add(bytes);
        this.#written.records++;
        this.#written.bytes += bytes;
        break;
      }
      if (segment.isDetached()) segment.takeBackDetached(bytes);
      this.#lose(segment, size);
      segment = this.#active ?? this.#begin();
    }
    this.#sync.appended(segment);
    if (segment.size >= segmentBytes) this.rotate();
    listener.onAppend();
  }

  get written(): { readonly records: number; readonly bytes: number } {
    return this.#written;
  }

  async sync(): Promise<void> {
    for (let failed = false;;) {
      const segment = this.#active;
      await this.#sync.settled();
      await this.#sync.syncPending();
      if (segment === null) return;
      if (segment !== this.#active) continue; // Left meanwhile: it is among those that are owed now.
      try {
        await this.#sync.syncNow(segment);
      } catch (error) {
        if (failed || !this.#rescued.has(segment)) throw error;
        failed = true;
      }
      // Records that were copied to a new segment are safe when that one is synced.
      if (!this.#rescued.has(segment)) return await this.#sync.syncPending();
    }
  }

  rotate(): void {
    const segment = this.#active;
    if (segment === null) return;
    this.#leave(segment);
  }

  beat(): void {
    beatAll(this.#claims);
    this.#sealLeft();
    const segment = this.#active;
    if (segment === null) return;
    if (segment.beat()) this.#verified = segment.size;
    else this.#lose(segment, segment.size);
  }

  close(): void {
    this.#sync.close();
    this.rotate();
    // The last chance: as long as this process lives, its later segments wait behind them.
    this.#sealLeft();
  }

  settled(): Promise<void> {
    return this.#sync.settled();
  }

  #begin(): SegmentWriter {
    this.#makeDirectories();
    const { runtime, directory, writer, server, sender, listener } = this.#options;
    const { stem } = formatStem(this.#nextTime(), writer);
    const paths = segmentPaths(directory, stem);
    const owner: Owner = { ...this.#identity, server, sender, closed: false };
    let claim: Claim | null = null;
    let segment: SegmentWriter | null = null;
    try {
      segment = SegmentWriter.open(runtime, paths, owner, () => {
        if (sender) claim = Claim.take(runtime, paths.claim, null, writer, this.#identity);
      });
      if (claim !== null) listener.onSegment(this.#readerOf(segment, stem, claim));
    } catch (error) {
      segment?.discard();
      discardClaim(claim);
      throw error;
    }
    this.#active = segment;
    this.#verified = 0;
    // The sidecars count too.
    this.#options.quota.recount();
    this.#sync.syncDirectories([directory]);
    return segment;
  }

  #readerOf(segment: SegmentWriter, stem: string, claim: Claim): FileSegment {
    const { runtime, directory } = this.#options;
    const reader = new FileSegment({
      runtime,
      directory,
      stem,
      paths: segment.paths,
      claim,
      live: true,
      end: () => segment.size,
      isSealed: () => segment.sealed,
      onRelease: () => this.#claims.delete(claim),
    });
    this.#claims.add(claim);
    return reader;
  }

  /** The segment is not this log's to write any more; what stands behind `end` is written elsewhere. */
  #lose(segment: SegmentWriter, end: number): void {
    const detached = segment.isDetached();
    if (detached) this.#options.listener.onDetached();
    // A sender of this process still reads the file that lost its name; without one, nobody does.
    if (detached && this.#options.sender) return this.#leave(segment);
    // Whoever took this process for gone sends what stood there then. What was appended since is
    // behind that end where the clocks stood still with the machine: a lease looks fresh then.
    this.#rescue(segment, this.#verified, end);
  }

  #leave(segment: SegmentWriter): void {
    if (this.#active === segment) this.#active = this.#failed = null;
    if (!segment.seal()) this.#unclosed.add(segment);
    this.#sync.retire(segment);
    this.#options.listener.onAppend();
  }

  /** Says again of segments that were left that they are closed. */
  #sealLeft(): void {
    for (const segment of this.#unclosed) if (segment.seal()) this.#unclosed.delete(segment);
  }

  /**
   * After a failed sync the kernel may call pages clean that never reached the disk, and a later
   * sync of the same file succeeds without them: they are written again, into a new segment.
   */
  #syncFailed(segment: SegmentWriter, error: unknown): void {
    this.#options.listener.onSyncError(error);
    if (this.#rescued.has(segment)) return;
    if (++this.#syncFailures > 1) return this.#distrust(segment, error);
    try {
      this.#rescue(segment, segment.synced);
      this.#rescued.add(segment);
    } catch (second) {
      this.#distrust(segment, second);
    }
  }

  /** The next record goes elsewhere, unless it would begin a new segment, and so try the disk anew. */
  #distrust(segment: SegmentWriter, error: unknown): void {
    if (this.#active !== null) this.#failed = error;
    this.#sync.markLost(segment, error);
  }

  /** Copies what `segment` holds from `offset` to `end` into a new segment, and leaves it. */
  #rescue(segment: SegmentWriter, offset: number, end: number = segment.size): void {
    const lines = segment.linesFrom(offset).subarray(0, Math.max(0, end - offset));
    let records = 0;
    for (let at = lines.indexOf(10); at !== -1; at = lines.indexOf(10, at + 1)) records++;
    if (this.#active === segment) this.rotate();
    while (records > 0) {
      const to = this.#active ?? this.#begin();
      to.appendLines(lines, records);
      if (to.isOwn()) break;
      this.#leave(to);
    }
    this.#options.listener.onAppend();
  }

  #nextTime(): bigint {
    const now = BigInt(Math.round(this.#options.runtime.clock.now() * 1_000)) * 1_000n;
    this.#lastTime = now > this.#lastTime ? now : this.#lastTime + 1n;
    return this.#lastTime;
  }

  #makeDirectories(): void {
    const { runtime: { files }, root, directory } = this.#options;
    const parents: string[] = [];
    // Another process may have made them a moment ago, and not have forced their names yet.
    const shared = this.#named ? [] : [directory, dirname(directory), root, dirname(root)];
    for (
      let path = directory;
      (files.stat(path) === null || shared.includes(path)) && dirname(path) !== path;
    ) {
      path = dirname(path);
      if (!mayLookAt(files, path)) break;
      parents.push(path);
    }
    refuseLinks(files, directory);
    files.makeDirectory(directory);
    refuseLinks(files, directory);
    if (parents.length === 0) return;
    writeGitignore(files, root);
    this.#sync.syncDirectories(parents);
    this.#named = true;
  }
}

/** A link in place of an entity's or a project's directory would lead the records elsewhere. */
function refuseLinks(files: FileSystem, directory: string): void {
  for (const path of [dirname(directory), directory]) {
    const kind = files.stat(path)?.kind ?? "directory";
    if (kind === "directory") continue;
    const error = new Error(`Cannot use as a directory, it is a ${kind}: ${JSON.stringify(path)}`);
    throw Object.assign(error, { code: kind === "symlink" ? "ELOOP" : "ENOTDIR" });
  }
}

/** Gives back the claim on a segment that could not be begun; the first error is the one to tell. */
function discardClaim(claim: Claim | null): void {
  try {
    claim?.release();
  } catch {
    // Cleared as an orphan later.
  }
}

/** Whether the host lets this process look at a path: Deno may grant the log's directory only. */
function mayLookAt(files: FileSystem, path: string): boolean {
  try {
    files.stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, "EACCES") || hasCode(error, "EPERM")) return false;
    throw error;
  }
}

/** Keeps the logs out of everybody's repository, without touching a directory that is not ours. */
function writeGitignore(files: FileSystem, root: string): void {
  const parent = dirname(root);
  const isOurs = basename(parent) === ".weave" && mayLookAt(files, parent);
  const path = join(isOurs ? parent : root, ".gitignore");
  try {
    if (files.stat(path) === null) files.createExclusive(path, "*\n");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}
