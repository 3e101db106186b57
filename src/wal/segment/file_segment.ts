/**
 * Drains a segment on disk.
 *
 * @module
 */

import type { FileSystem, ReadFile } from "../../runtime/file_system.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import { hasCode, WeaveWalError } from "../../errors.ts";
import { DeadLetterFile } from "../dead_letters/dead_letter_file.ts";
import type { OpenCallsKeeper } from "../open_calls/open_calls_keeper.ts";
import { removeIfExists } from "../remove_file.ts";
import {
  CheckpointPace,
  type CheckpointState,
  readCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";
import {
  type LineRange,
  type LineSet,
  readDeliveredLines,
  SettledLines,
  writeDeliveredLines,
} from "./delivered_lines.ts";
import { mayReorder, namesServer, parseStem, type SegmentPaths } from "./segment_name.ts";
import type { DeadLetter, Segment, SegmentGuard } from "./segment.ts";

/** Options for {@linkcode FileSegment}. */
export interface FileSegmentOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly stem: string;
  readonly paths: SegmentPaths;
  /** Base URL of the server; dead letters name it where the segment's name does not. */
  readonly server?: string;
  /** Checks that this process may still drain the segment. */
  readonly guard: SegmentGuard;
  readonly live: boolean;
  /** Returns the current end of the complete records; by default the size of the file. */
  readonly end?: () => number;
  /** Number of records written so far, if this process wrote them. */
  readonly records?: () => number;
  /** Whether `end` is final. Not called again once it is. */
  readonly isSealed: () => boolean;
  /** Resolves with whether the log continues in a later segment. */
  readonly continues?: () => Promise<boolean>;
  /** The file, if the caller has just created it, so that no sender can have left sidecars. */
  readonly created?: { readonly id: string | undefined };
  /** Preserves open calls when the segment is removed. */
  readonly openCalls?: () => OpenCallsKeeper | null;
}

/** Lines that earlier senders delivered or dead-lettered, by the sidecars. */
interface Settled extends CheckpointState {
  /** Offsets of dead-lettered lines at or after the checkpoint. */
  readonly deadLettered: ReadonlySet<number>;
  readonly delivered: readonly LineRange[];
}

const NOTHING_SETTLED: Settled = { offset: 0, deadLettered: new Set(), delivered: [] };

/** A segment on disk that this process drains. */
export class FileSegment implements Segment {
  readonly name: string;
  readonly live: boolean;
  readonly mayReorder: boolean;
  readonly begun: number;
  readonly checkpoint: number;
  readonly settledLines: LineSet;
  /** Why the checkpoint on disk was invalid, if it was. */
  readonly invalidReason: string | undefined;
  readonly #options: FileSegmentOptions;
  #file: ReadFile | null;
  readonly #deadLetters: DeadLetterFile;
  /** Identity of the data file. */
  readonly #id: string | undefined;
  #detached = false;
  #done = false;
  /** Keeps the file with open calls when the data is removed. */
  #keepsOpen = false;
  /** Size at the last query. */
  #known = 0;
  /** Whether that size is final. */
  #ended = false;
  /** Whether the dead letters of earlier senders are synced. */
  #confirmed: boolean;
  /** Lines that earlier senders delivered ahead of the checkpoint. */
  readonly #delivered: readonly LineRange[];
  /** Whether the `.delivered` file exists. */
  #hasDelivered: boolean;
  #acknowledged: number;
  #checkpointed: number;
  readonly #pace: CheckpointPace;
  #timer: Timer | null = null;

  /** Opens the segment and reads its sidecars. Throws the file system error if it does not exist. */
  constructor(options: FileSegmentOptions) {
    const { runtime, paths, directory } = options;
    this.#options = options;
    this.#pace = new CheckpointPace(runtime.clock);
    this.name = options.stem;
    this.live = options.live;
    this.mayReorder = mayReorder(options.stem);
    this.begun = Number(parseStem(options.stem)?.time ?? 0) / 1e6;
    // Opened at once: if the file is deleted, its records can still be read.
    const file = this.#file = runtime.files.openRead(paths.data);
    this.#id = (options.created ?? runtime.files.stat(paths.data))?.id;
    const server = namesServer(options.stem) ? undefined : options.server;
    const { files, clock } = runtime;
    this.#deadLetters = new DeadLetterFile(files, clock, directory, paths, server);
    const { offset, invalidReason, deadLettered, delivered } = options.created
      ? NOTHING_SETTLED
      : this.#readSettled(file);
    this.checkpoint = this.#acknowledged = this.#checkpointed = offset;
    this.invalidReason = invalidReason;
    this.#confirmed = deadLettered.size === 0;
    this.#delivered = delivered;
    this.#hasDelivered = delivered.length > 0;
    this.settledLines = new SettledLines(deadLettered, delivered);
  }

  #readSettled(file: ReadFile): Settled {
    const { runtime: { files }, paths } = this.#options;
    const startsLine = (offset: number): boolean => file.byteAt(offset - 1) === 10;
    const state = readCheckpoint(files, paths.checkpoint, file.size(), startsLine);
    return {
      ...state,
      deadLettered: this.#deadLetters.offsets(state.offset),
      delivered: readDeliveredLines(files, paths.delivered),
    };
  }

  end(): number {
    if (this.#options.end) return this.#options.end();
    return this.#done || this.#ended ? this.#known : this.#known = this.#open().size();
  }

  isSealed(): boolean {
    if (this.#ended) return true;
    try {
      if (!this.#options.isSealed()) return false;
      if (this.#options.end === undefined) this.#known = this.#open().size();
      return this.#ended = true;
    } catch {
      return false; // The file cannot be read, so its end is unknown.
    }
  }

  async continues(): Promise<boolean> {
    return this.mayReorder && await this.#options.continues?.() === true;
  }

  get records(): number | undefined {
    return this.#options.records?.();
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    if (!this.#confirmed) {
      // From here on, skipped lines count as settled.
      await this.#deadLetters.confirm();
      this.#confirmed = true;
    }
    const count = await this.#open().read(offset, into);
    // The file was truncated: do not wait for more.
    if (count === 0 && offset < this.#known && !this.#done) this.#known = this.#open().size();
    return count;
  }

  /** Closes the file while the segment waits for earlier ones; the next read opens it again. */
  park(): void {
    this.#file?.close();
    this.#file = null;
  }

  #open(): ReadFile {
    const { runtime: { files }, paths: { data } } = this.#options;
    try {
      return this.#file ??= files.openRead(data);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      throw new WeaveWalError("ERR_LEASE_LOST", `A segment was removed: ${data}`, { cause: error });
    }
  }

  assertHeld(): void {
    this.#options.guard.ensureHeld();
  }

  acknowledge(offset: number): void {
    this.#acknowledged = offset;
    const { wait } = this.#pace;
    if (wait <= 0) this.#pace.keep(() => this.#checkpointNow());
    else this.#timer ??= this.#options.runtime.clock.after(wait, () => this.#checkpointLater());
  }

  #checkpointLater(): void {
    this.#timer = null;
    try {
      this.#pace.keep(() => this.#checkpointNow());
    } catch {
      // The next acknowledgement gets the same error and can report it.
    }
  }

  #checkpointNow(): void {
    const { guard, runtime, paths } = this.#options;
    // A deleted file is drained to its end, without sidecars: no other process can find it.
    if (this.#isDetached()) return;
    guard.assertHeld();
    if (this.#acknowledged === this.#checkpointed) return;
    writeCheckpoint(runtime.files, paths.checkpoint, this.#acknowledged);
    this.#checkpointed = this.#acknowledged;
  }

  async deadLetterLines(deadLetters: readonly DeadLetter[]): Promise<void> {
    if (!this.#isDetached()) this.#options.guard.assertHeld();
    await this.#deadLetters.append(deadLetters, (offset, into) => this.#open().read(offset, into));
    if (!this.#isDetached()) this.#options.guard.assertHeld();
  }

  async beforeComplete(): Promise<void> {
    const { openCalls, stem, guard } = this.#options;
    const keeper = openCalls?.() ?? null;
    if (keeper === null || this.#keepsOpen || this.#isDetached()) return;
    await keeper.beforeRemoval(stem, guard);
    this.#keepsOpen = true;
  }

  complete(): void {
    const { guard, runtime: { files }, paths } = this.#options;
    try {
      this.#checkpointNow();
    } catch (error) {
      // A full disk must not prevent the removal of what fills it.
      if (hasCode(error, "ERR_LEASE_LOST")) throw error;
    }
    if (!this.#detached) guard.assertHeld();
    this.#finish();
    if (this.#detached) return;
    discardIfExists(files, paths.data);
    for (const path of [paths.checkpoint, paths.lock, paths.owner]) removeIfExists(files, path);
    if (this.#hasDelivered) removeIfExists(files, paths.delivered);
    if (!this.#keepsOpen) removeIfExists(files, paths.open);
  }

  release(delivered: readonly LineRange[] = []): void {
    if (this.#done) return;
    try {
      // Thousands of segments may be waiting, with nothing sent from them.
      if (this.#acknowledged !== this.#checkpointed) this.#checkpointNow();
      if (delivered.length > 0) this.#keepDelivered(delivered);
    } catch {
      // Another process has the segment, or the disk failed: delivered records are sent again.
    }
    this.#finish();
  }

  #keepDelivered(delivered: readonly LineRange[]): void {
    const { guard, runtime: { files }, paths } = this.#options;
    if (this.#isDetached()) return;
    guard.assertHeld();
    this.#hasDelivered = true;
    const all = [...this.#delivered, ...delivered];
    writeDeliveredLines(files, paths.delivered, all, this.#acknowledged);
  }

  isGone(): boolean {
    const { runtime, paths } = this.#options;
    try {
      return runtime.files.stat(paths.data)?.id !== this.#id;
    } catch {
      return false;
    }
  }

  #isDetached(): boolean {
    const { runtime, paths } = this.#options;
    this.#detached ||= this.#id === undefined ||
      runtime.files.stat(paths.data)?.id !== this.#id;
    return this.#detached;
  }

  #finish(): void {
    this.#done = true;
    this.#timer?.cancel();
    this.park();
  }
}

/** Removes a file that may be large, if it exists. */
function discardIfExists(files: FileSystem, path: string): void {
  try {
    files.discard(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
