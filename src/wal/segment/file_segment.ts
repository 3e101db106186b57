/**
 * The draining end of a segment on disk.
 *
 * @module
 */

import type { ReadFile, Runtime, Timer } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { type Claim, claimGenerations, discardIfThere, removeIfThere } from "../ownership/lease.ts";
import { DeadLetterFile } from "../dead_letters/dead_letter_file.ts";
import { parseStem, type SegmentPaths } from "./segment_name.ts";
import type { DeadLetter, Segment } from "./segment.ts";

/**
 * Ms between two checkpoints. Replacing a file by a rename makes some file systems (ext4) write it
 * to the disk at once, which takes longer than sending a batch; records that a crash finds behind
 * the checkpoint are sent again, to no effect.
 */
const CHECKPOINT_MS = 500;

/** What a draining end is made from. */
export interface FileSegmentOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly stem: string;
  readonly paths: SegmentPaths;
  /** The claim under which the segment is drained. */
  readonly claim: Claim;
  readonly live: boolean;
  /** Where whole records end now; the size of the file when the writer is another process. */
  readonly end?: () => number;
  /**
   * Whether `end` is final. Not asked again after `"for ever"`: its writer is known to be done, and
   * not only taken for gone. One that was taken for gone may wake, add a line and write it again
   * elsewhere.
   */
  readonly isSealed: () => boolean | "for ever";
  /** Told when the segment is not drained any more. */
  readonly onRelease?: () => void;
}

/** A segment on disk, drained under a claim. */
export class FileSegment implements Segment {
  readonly name: string;
  readonly live: boolean;
  readonly begun: number;
  readonly checkpoint: number;
  readonly setAside: ReadonlySet<number>;
  /** Why the checkpoint on disk was not trusted, if it was not. */
  readonly distrusted: string | undefined;
  readonly #options: FileSegmentOptions;
  readonly #file: ReadFile;
  readonly #deadLetters: DeadLetterFile;
  /** Identity of the data file. */
  readonly #id: string | undefined;
  #detached = false;
  #done = false;
  /** Size when it was last asked for. */
  #known = 0;
  /** Whether that is the last one. */
  #ended = false;
  /** Whether the dead letters of earlier senders are on stable storage. */
  #confirmed: boolean;
  #acknowledged: number;
  #checkpointed: number;
  #checkpointAt = -Infinity;
  #timer: Timer | null = null;

  /** Opens the segment and reads its checkpoint. Throws the host's error when it is not there. */
  constructor(options: FileSegmentOptions) {
    const { runtime, paths, directory } = options;
    this.#options = options;
    this.name = options.stem;
    this.live = options.live;
    this.begun = Number(parseStem(options.stem)?.time ?? 0) / 1e6;
    this.#file = runtime.files.openRead(paths.data);
    this.#id = runtime.files.stat(paths.data)?.id;
    this.#deadLetters = new DeadLetterFile(runtime.files, runtime.clock, directory, paths);
    const state = readCheckpoint(
      runtime.files,
      paths.checkpoint,
      this.#file.size(),
      (offset) => this.#file.byteAt(offset - 1) === 10,
    );
    this.checkpoint = this.#acknowledged = this.#checkpointed = state.offset;
    this.distrusted = state.distrusted;
    this.setAside = this.#deadLetters.offsets(state.offset);
    this.#confirmed = this.setAside.size === 0;
  }

  end(): number {
    if (this.#options.end) return this.#options.end();
    return this.#done || this.#ended ? this.#known : this.#known = this.#file.size();
  }

  isSealed(): boolean {
    if (this.#ended) return true;
    try {
      const sealed = this.#options.isSealed();
      if (sealed === "for ever" && this.#options.end === undefined) {
        this.#known = this.#file.size();
        this.#ended = true;
      }
      return sealed !== false;
    } catch {
      return false; // The disk does not say: nobody may take it for the end.
    }
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    if (!this.#confirmed) {
      // Lines that are passed over count as settled from here on.
      await this.#deadLetters.confirm();
      this.#confirmed = true;
    }
    const count = await this.#file.read(offset, into);
    // Somebody has cut it: there is no more to wait for.
    if (count === 0 && offset < this.#known && !this.#done) this.#known = this.#file.size();
    return count;
  }

  assertHeld(): void {
    const { claim, live } = this.#options;
    // What this process wrote and lost the name of is nobody else's any more.
    if (claim.isFresh || (live && this.#isDetached())) return;
    claim.renew();
  }

  acknowledge(offset: number): void {
    this.#acknowledged = offset;
    const { clock } = this.#options.runtime;
    const wait = this.#checkpointAt + CHECKPOINT_MS - clock.monotonic();
    if (wait <= 0) {
      this.#checkpointAt = clock.monotonic();
      this.#checkpointNow();
    } else {
      this.#timer ??= clock.after(wait, () => this.#checkpointLater());
    }
  }

  #checkpointLater(): void {
    this.#timer = null;
    this.#checkpointAt = this.#options.runtime.clock.monotonic();
    try {
      this.#checkpointNow();
    } catch {
      // The next acknowledgement meets the same trouble, where somebody can be told.
    }
  }

  #checkpointNow(): void {
    const { claim, runtime, paths } = this.#options;
    // A file without a name is nobody else's: it is drained to its end, without sidecars.
    if (this.#isDetached()) return;
    claim.assertHeld();
    if (this.#acknowledged === this.#checkpointed) return;
    writeCheckpoint(runtime.files, paths.checkpoint, this.#acknowledged);
    this.#checkpointed = this.#acknowledged;
  }

  async setAsideLines(letters: readonly DeadLetter[]): Promise<void> {
    if (!this.#isDetached()) this.#options.claim.assertHeld();
    await this.#deadLetters.append(letters, (offset, into) => this.#file.read(offset, into));
    if (!this.#isDetached()) this.#options.claim.assertHeld();
  }

  complete(): void {
    if (this.#done) return;
    const { claim, runtime: { files }, paths } = this.#options;
    try {
      this.#checkpointNow();
    } catch (error) {
      // A full disk must not keep from deleting what fills it.
      if (hasCode(error, "ERR_CLAIM_LOST")) throw error;
    }
    this.#finish();
    this.#file.close();
    if (this.#detached) return;
    discardIfThere(files, paths.data);
    for (const path of [paths.checkpoint, paths.lock, paths.owner, paths.seal]) {
      removeIfThere(files, path);
    }
    for (const generation of claimGenerations(files, paths.claim)) {
      if (paths.claim + generation !== claim.path) removeIfThere(files, paths.claim + generation);
    }
    claim.release();
  }

  release(): void {
    if (this.#done) return;
    try {
      this.#checkpointNow();
    } catch {
      // The claim is lost, or the disk has failed: what was delivered is sent once more.
    }
    this.#finish();
    this.#file.close();
    try {
      this.#options.claim.release();
    } catch {
      // Without a heartbeat it counts as given back soon.
    }
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
    this.#options.onRelease?.();
  }
}
