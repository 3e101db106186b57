/**
 * Removes delivered segments of a chain, in the background.
 *
 * @module
 */

import type { Runtime } from "../../../runtime/runtime.ts";
import { isKeptWhenDelivered, keepClosed } from "../../open_calls/close_interrupted.ts";
import type { OpenCallsKeepers } from "../../open_calls/open_calls_keeper.ts";
import type { ChainLink } from "./chain_link.ts";
import type { SegmentGuard } from "../segment.ts";
import { OPEN_SUFFIX } from "../segment_name.ts";

/** Options for {@linkcode ChainRemoval}. */
export interface ChainRemovalOptions {
  readonly runtime: Pick<Runtime, "files">;
  /** Checks that this process may still remove the segments. */
  readonly guard: SegmentGuard;
  /** Preserve open calls when segments are removed. */
  readonly openCalls?: OpenCallsKeepers;
}

/** Removes the files of segments, several at once. */
export class ChainRemoval {
  readonly #options: ChainRemovalOptions;
  /**
   * Removals in progress, one at a time: a later segment is never removed before an earlier one.
   */
  #removing: Promise<void> = Promise.resolve();
  /** Segments of the next removal. */
  #next: ChainLink[] = [];
  /** Why files were not removed; thrown once. */
  #failure: unknown = null;

  /** Creates one that has nothing to remove. */
  constructor(options: ChainRemovalOptions) {
    this.#options = options;
  }

  /** Removes a segment that is completely delivered. */
  add(link: ChainLink): void {
    if (this.#next.push(link) > 1) return;
    this.#removing = this.#removing.then(() => this.#remove()).catch((error) => {
      this.#failure ??= error;
    });
  }

  /** Throws why files were not removed. */
  throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** Resolves when all files are removed. Rejects if a file was not, with the reason. */
  async settled(): Promise<void> {
    await this.#removing;
    this.throwFailure();
  }

  /**
   * Data is removed first: a checkpoint without data is harmless, but data without its checkpoint
   * is sent again. Data that cannot be removed therefore gets a checkpoint.
   */
  async #remove(): Promise<void> {
    const links = this.#next.splice(0);
    const { guard, runtime: { files }, openCalls } = this.#options;
    guard.assertHeld();
    for (const { listed } of links) {
      if (isKeptWhenDelivered(listed)) keepClosed(files, listed);
      else if (openCalls && listed.suffixes.has(OPEN_SUFFIX)) {
        await openCalls.of(listed.writer).beforeRemoval(listed.stem, guard);
      }
    }
    let failure: unknown = null;
    await files.removeInBackground(links.map(({ paths }) => paths.data)).catch((error) => {
      failure = error;
    });
    const isLeft = ({ paths }: ChainLink): boolean =>
      failure !== null && files.stat(paths.data) !== null;
    const left = new Set(links.filter(isLeft));
    if (left.size > 0) guard.assertHeld();
    for (const link of left) link.checkpoint(link.end);
    const removed = links.filter((link) => !left.has(link));
    await files.removeInBackground(removed.flatMap((link) => link.sidecars));
    if (failure !== null) throw failure;
  }
}
