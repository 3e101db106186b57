/**
 * The log on disk: a stream of segments that this process alone writes.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { RecordType } from "../weave/record_types.ts";
import { hasCode } from "../errors.ts";
import { Claim } from "./claim.ts";
import { FileSegment } from "./file_segment.ts";
import { type Identity, ownIdentity } from "./identity.ts";
import { formatStem, segmentPaths } from "./names.ts";
import type { Owner } from "./owner.ts";
import { RECORD_PREFIX, RECORD_SUFFIX } from "./record.ts";
import type { LogListener, RequestLog } from "./request_log.ts";
import { SegmentWriter } from "./segment_writer.ts";

/** When appended records are forced to stable storage. */
export type FsyncPolicy = "interval" | "always" | "never";

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
  readonly listener: LogListener;
}

/** Appends records to segments in a directory. Every method but `sync` is synchronous. */
export class FileLog implements RequestLog {
  readonly kind = "file";
  readonly #options: FileLogOptions;
  readonly #identity: Identity;
  readonly #claims = new Set<Claim>();
  readonly #background = new Set<Promise<void>>();
  #active: SegmentWriter | null = null;
  #lastTime = 0n;
  #unsynced = 0;
  #timer: Timer | null = null;
  #syncing = false;
  #prepared = false;

  /** Makes the log; nothing is on disk before the first record. */
  constructor(options: FileLogOptions) {
    this.#options = options;
    this.#identity = ownIdentity(options.runtime.process);
  }

  /**
   * Makes the directories and tries whether a file can be made in them.
   *
   * Throws the host's error when it cannot.
   */
  prepare(): void {
    if (this.#prepared) return;
    const { runtime: { files }, root, directory, writer } = this.#options;
    files.makeDirectory(directory);
    writeGitignore(this.#options);
    const probe = join(directory, `${writer}.probe`);
    files.createExclusive(probe, "");
    files.remove(probe);
    this.#prepared = true;
    this.#syncDirectories([dirname(dirname(root)), dirname(root), root, dirname(directory)]);
  }

  append(type: RecordType, request: string): void {
    const segment = this.#active ?? this.#begin();
    try {
      segment.append(RECORD_PREFIX[type] + request + RECORD_SUFFIX);
    } catch (error) {
      if (segment.sealed) this.#leave(segment);
      throw error;
    }
    const { fsync, fsyncRecords, segmentBytes } = this.#options;
    if (fsync === "interval") {
      if (++this.#unsynced >= fsyncRecords) this.#syncSoon();
      else if (this.#timer === null) this.#startTimer();
    } else if (fsync === "always") {
      segment.dataSyncNow();
    }
    if (segment.size >= segmentBytes) this.rotate();
    this.#options.listener.onAppend();
  }

  async sync(): Promise<void> {
    this.#stopTimer();
    const segment = this.#active;
    this.#unsynced = 0;
    const waiting = [...this.#background];
    if (segment) waiting.push(segment.dataSync());
    await Promise.all(waiting);
  }

  /** Closes the current segment; the next record begins a new one. */
  rotate(): void {
    const segment = this.#active;
    if (segment === null) return;
    segment.seal();
    this.#leave(segment);
  }

  /** Shows that the writer and its claims live. Called at every heartbeat. */
  beat(): void {
    this.#active?.beat();
    for (const claim of this.#claims) claim.beat();
  }

  close(): void {
    this.#stopTimer();
    this.rotate();
  }

  /** Resolves when all that goes on in the background is over. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#background]);
  }

  #begin(): SegmentWriter {
    this.prepare();
    const { runtime, directory, writer, server, sender, listener } = this.#options;
    const { stem } = formatStem(this.#nextTime(), writer);
    const paths = segmentPaths(directory, stem);
    const owner: Owner = { ...this.#identity, server, sender, closed: false };
    let claim: Claim | null = null;
    const segment = SegmentWriter.open(runtime.files, paths, owner, () => {
      if (sender) claim = Claim.take(runtime.files, paths.claim, null, writer, this.#identity);
    });
    if (claim !== null) {
      const held: Claim = claim;
      this.#claims.add(held);
      listener.onSegment(
        new FileSegment({
          runtime,
          directory,
          stem,
          paths,
          claim: held,
          live: true,
          end: () => segment.size,
          isSealed: () => segment.sealed,
          onRelease: () => this.#claims.delete(held),
        }),
      );
    }
    this.#active = segment;
    this.#syncDirectories([directory]);
    return segment;
  }

  #leave(segment: SegmentWriter): void {
    this.#active = null;
    this.#unsynced = 0;
    this.#stopTimer();
    if (this.#options.fsync === "never") segment.close();
    else this.#inBackground(segment.dataSync().finally(() => segment.close()));
    this.#options.listener.onAppend();
  }

  #nextTime(): bigint {
    const now = BigInt(Math.round(this.#options.runtime.clock.now() * 1_000)) * 1_000n;
    this.#lastTime = now > this.#lastTime ? now : this.#lastTime + 1n;
    return this.#lastTime;
  }

  #syncDirectories(directories: string[]): void {
    const { runtime: { files }, fsync } = this.#options;
    if (fsync === "never") return;
    for (const directory of directories) {
      if (fsync === "always") files.syncDirectoryNow(directory);
      else this.#inBackground(files.syncDirectory(directory));
    }
  }

  #startTimer(): void {
    const { clock } = this.#options.runtime;
    this.#timer = clock.after(this.#options.fsyncIntervalMs, () => {
      this.#timer = null;
      this.#syncSoon();
    });
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #syncSoon(): void {
    if (this.#syncing || this.#active === null) return;
    this.#stopTimer();
    this.#unsynced = 0;
    this.#syncing = true;
    this.#inBackground(
      this.#active.dataSync().finally(() => {
        this.#syncing = false;
        if (this.#unsynced > 0 && this.#timer === null) this.#startTimer();
      }),
    );
  }

  #inBackground(work: Promise<void>): void {
    const watched: Promise<void> = work
      .catch((error) => this.#options.listener.onSyncError(error))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }
}

/** Keeps the logs out of everybody's repository, without touching a directory that is not ours. */
function writeGitignore({ runtime: { files }, root }: FileLogOptions): void {
  const parent = dirname(root);
  const path = join(basename(parent) === ".weave" ? parent : root, ".gitignore");
  try {
    if (files.stat(path) === null) files.createExclusive(path, "*\n");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}
