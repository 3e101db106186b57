/**
 * The log on disk: a sequence of segments that only this process writes.
 *
 * @module
 */

import { join } from "@std/path";
import type { RecordType } from "../../protocol/record_types.ts";
import { OwnOpenCalls } from "../open_calls/own_open_calls.ts";
import type { FileLogOptions } from "./file_log_options.ts";
import { FsyncScheduler } from "./fsync_scheduler.ts";
import { makeLogDirectories } from "./log_directories.ts";
import { readerOf } from "./own_segment.ts";
import { segmentPaths } from "../segment/segment_name.ts";
import { SegmentSequence } from "../segment/segment_sequence.ts";
import { RECORD_PREFIX, RECORD_SUFFIX } from "../record/record.ts";
import type { RequestLog, WriteRecord } from "./record_log.ts";
import { type CopiedLines, SegmentWriter } from "./segment_writer.ts";
import { SyncFailures } from "./sync_failures.ts";

/** Appends records to segments in a directory. Every method except `sync` is synchronous. */
export class FileLog implements RequestLog {
  readonly kind = "file";
  readonly #options: FileLogOptions;
  readonly #written = { records: 0, bytes: 0 };
  readonly #sync: FsyncScheduler;
  #active: SegmentWriter | null = null;
  readonly #names: SegmentSequence;
  /** Size of the current segment when its name was last verified. */
  #verified = 0;
  /** Whether the names of the directories have been synced. */
  #named = false;
  readonly #syncFailures: SyncFailures;
  /** Retired segments that are not known to be closed on disk. */
  readonly #unclosed = new Set<SegmentWriter>();
  /** Lines of lost segments that must still be copied to another one, oldest first. */
  readonly #owed: CopiedLines[] = [];
  readonly #openCalls: OwnOpenCalls;

  /** Creates the log. Nothing is written before the first record. */
  constructor(options: FileLogOptions) {
    this.#options = options;
    const { closeInterrupted: withCalls = false } = options;
    this.#names = new SegmentSequence(options.runtime.clock, options.writer);
    this.#openCalls = new OwnOpenCalls({ ...options, withCalls });
    this.#syncFailures = new SyncFailures({
      rewrite: (segment) => this.#rewrite(segment),
      onLost: (segment, error) => {
        if (this.#active === null) this.#syncFailures.forget();
        this.#sync.markLost(segment, error);
      },
      onError: (error) => options.listener.onSyncError(error),
    });
    this.#sync = new FsyncScheduler({
      clock: options.runtime.clock,
      files: options.runtime.files,
      policy: options.fsync,
      intervalMs: options.fsyncIntervalMs,
      records: options.fsyncRecords,
      onFailed: (segment, error) => this.#syncFailures.failed(segment, error),
      onUnsupported: (error) => options.listener.onSyncUnsupported(error),
      onSynced: () => this.#syncFailures.succeeded(),
      onDirectoryFailed: (error) => options.listener.onSyncError(error),
    });
  }

  /** Creates the directories and tries to create a file. Throws the file system error. */
  prepare(): void {
    const { runtime: { files }, directory, writer } = this.#options;
    this.#makeDirectories();
    const probe = join(directory, `${writer}.probe`);
    files.createExclusive(probe, "");
    files.remove(probe);
  }

  append(type: RecordType, request: string): void {
    this.#append(RECORD_PREFIX[type] + request + RECORD_SUFFIX, 1);
  }

  /** Appends several requests with one write call: all of them, or none if it throws. */
  appendAll(records: readonly WriteRecord[]): void {
    const lines = records.map(([type, request]) => RECORD_PREFIX[type] + request + RECORD_SUFFIX);
    if (lines.length > 0) this.#append(lines.join(""), lines.length);
  }

  #append(lines: string, records: number): void {
    this.#syncFailures.check();
    const { quota, segmentBytes, listener } = this.#options;
    quota.admit(lines);
    this.#copyOwed();
    let segment: SegmentWriter;
    for (;;) {
      segment = this.#active ?? this.#begin();
      if (this.#openCalls.hasClosed) {
        [lines, records] = this.#openCalls.withoutClosed(lines);
        if (records === 0) return;
      }
      const size = segment.size;
      try {
        segment.append(lines, records);
      } catch (error) {
        if (segment.sealed) this.#leave(segment);
        throw error;
      }
      const bytes = segment.size - size;
      if (!segment.isOwn()) {
        if (segment.isDetached()) segment.truncateTail(bytes, records);
        this.#lose(segment, size);
      } else if (this.#openCalls.look()) {
        // Another process has closed a call meanwhile: its end must not follow.
        segment.truncateTail(bytes, records);
      } else {
        quota.add(bytes);
        this.#written.records += records;
        this.#written.bytes += bytes;
        break;
      }
    }
    this.#sync.appended(segment);
    if (segment.size >= segmentBytes) this.rotate();
    listener.onAppend();
  }

  /**
   * Records the start of a span, so that recovery can end it. Throws the file system error.
   * @param request The span in its current state.
   */
  noteSpanStart(type: RecordType, request: string): void {
    this.#noteStarts(RECORD_PREFIX[type] + request + RECORD_SUFFIX);
  }

  #noteStarts(lines: string): void {
    const segment = this.#active ?? this.#begin();
    this.#openCalls.noteStarts(segment.paths, lines);
    if (!segment.isOwn()) this.#lose(segment, segment.size);
  }

  get written(): { readonly records: number; readonly bytes: number } {
    return this.#written;
  }

  async sync(): Promise<void> {
    this.#copyOwed();
    for (let failed = false;;) {
      const segment = this.#active;
      await this.#sync.settled();
      await this.#sync.syncPending();
      // Retired meanwhile: its lines are pending now. Or begun, for those of one whose sync failed.
      if (segment !== this.#active) continue;
      if (segment === null) return;
      try {
        await this.#sync.syncNow(segment);
      } catch (error) {
        if (failed || !this.#syncFailures.isRewritten(segment)) throw error;
        failed = true;
      }
      // Records that were copied to a new segment are safe once that segment is synced.
      if (!this.#syncFailures.isRewritten(segment)) return await this.#sync.syncPending();
    }
  }

  rotate(): void {
    if (this.#active !== null) this.#leave(this.#active);
  }

  heartbeat(): void {
    this.#sealLeft();
    this.#copyOwed();
    const segment = this.#active;
    if (segment === null) return;
    if (!segment.verify()) return this.#lose(segment, segment.size);
    this.#verified = segment.size;
    this.#openCalls.verified();
  }

  close(): void {
    try {
      this.#copyOwed();
    } catch {
      // The next use of the log retries; `sync` reports the error.
    }
    this.#sync.close();
    this.rotate();
    // This is the last chance: while this process lives, its later segments wait for these.
    this.#sealLeft();
  }

  /** Whether another process may have calls of this one to close, and needs to know when it ended. */
  get mayHaveOpenCalls(): boolean {
    const { keeper, marker } = this.#openCalls;
    // Without a sender, this process does not know what is left of its segments.
    return keeper.hasOpen || (!this.#options.sender && marker !== null);
  }

  /** Forgets open calls: their ends may be in no file. Throws the file system error. */
  forgetOpenCalls(): void {
    this.#openCalls.forget();
  }

  settled(): Promise<void> {
    return this.#sync.settled();
  }

  #begin(): SegmentWriter {
    this.#makeDirectories();
    const { runtime, directory, presence, sender, listener } = this.#options;
    const { files, process } = runtime;
    const { stem, before } = this.#names.next();
    const paths = segmentPaths(directory, stem);
    const calls = this.#openCalls;
    const segment = SegmentWriter.open(files, paths, presence, process.pid, calls.marker);
    try {
      calls.begun(before);
      const keeper = () => calls.marker === null ? null : calls.keeper;
      if (sender) listener.onSegment(readerOf(segment, stem, this.#options, keeper));
    } catch (error) {
      segment.discard();
      throw error;
    }
    this.#active = segment;
    this.#verified = 0;
    this.#sync.syncDirectories([directory]);
    return segment;
  }

  /** Leaves a segment that this log no longer owns, and copies its unverified lines before `end`. */
  #lose(segment: SegmentWriter, end: number): void {
    const detached = segment.isDetached();
    if (detached) this.#options.listener.onDetached();
    // A process that presumed this one dead sends what the segment contained then. If the machine
    // was suspended, the heartbeat looks fresh, so records appended since then lie beyond that end.
    const lost = segment.linesFrom(this.#verified, end);
    const starts = this.#openCalls.lost(lost.lines);
    if (this.#active === segment) this.rotate();
    // The sender of this process still reads a file that lost its name; nothing else does.
    if (lost.records > 0 && !(detached && this.#options.sender)) this.#owed.push(lost);
    this.#copyOwed();
    try {
      if (starts !== "") this.#noteStarts(starts);
    } catch {
      // The ends of these spans meet the same error.
    }
  }

  /** Copies lines of lost segments into the current one; what cannot be written stays owed. */
  #copyOwed(): void {
    for (let next = this.#owed[0]; next !== undefined; next = this.#owed[0]) {
      this.#copy(next);
      this.#owed.shift();
    }
  }

  #leave(segment: SegmentWriter): void {
    if (this.#active === segment) {
      this.#active = null;
      this.#syncFailures.forget();
      this.#openCalls.left();
    }
    if (!segment.seal()) this.#unclosed.add(segment);
    this.#sync.retire(segment);
    this.#options.listener.onAppend();
  }

  /** Retries closing retired segments on disk. */
  #sealLeft(): void {
    for (const segment of this.#unclosed) if (segment.seal()) this.#unclosed.delete(segment);
  }

  /** Copies the lines of `segment` that are not synced into a new segment, and retires it. */
  #rewrite(segment: SegmentWriter): void {
    const lines = segment.linesFrom(segment.synced);
    if (this.#active === segment) this.rotate();
    this.#copy(lines);
  }

  #copy(copied: CopiedLines): void {
    while (copied.records > 0) {
      const to = this.#active ?? this.#begin();
      const lines = this.#openCalls.copyWithoutClosed(copied);
      if (lines.records === 0) break;
      to.appendLines(lines);
      if (to.isOwn()) {
        this.#sync.copied(to);
        break;
      }
      this.#leave(to);
    }
    this.#options.listener.onAppend();
  }

  #makeDirectories(): void {
    const { runtime: { files }, root, directory } = this.#options;
    const made = makeLogDirectories(files, root, directory, !this.#named);
    if (made.length === 0) return;
    this.#sync.syncDirectories(made);
    this.#named = true;
  }
}
