/**
 * Takes dead letters out of their files: because they were delivered after all, or because the user
 * gives them up.
 *
 * A file is taken into hand by renaming it into `.retry/` beside it. A sender that sets records
 * aside meanwhile begins a new file under the old name; what stays is appended to that one before
 * the file in progress is removed. A crash leaves that file whole, and the next one to take it
 * puts it back first: an entry may then exist twice, but none is lost. Two cannot do it at once:
 * there is a lease for every project.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { AppendFile, FileSystem, Runtime } from "../../runtime/runtime.ts";
import { currentLease, Lease, type LeaseState } from "../ownership/lease.ts";
import { removeIfExists } from "../remove_file.ts";
import { type DeadLetterEntry, readDeadLetters } from "./dead_letter_reader.ts";
import { writeAll } from "./dead_letter_file.ts";
import { ABANDONED_AFTER_MS, STALE_AFTER_MS } from "../ownership/failure_detector.ts";
import { liveness, ownIdentity } from "../ownership/process_identity.ts";
import { segmentPaths } from "../segment/segment_name.ts";

/** Directory of the files in progress, below a project's. */
export const RETRY_DIRECTORY = ".retry";

/** The segments whose dead letters an interrupted retry has left in progress. */
export function unfinishedTransactions(files: FileSystem, directory: string): string[] {
  const retry = join(directory, RETRY_DIRECTORY);
  if (files.stat(retry) === null) return [];
  return files.list(retry).map(({ name }) => name).filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length));
}

const SUFFIX = ".deadletter";

/** The dead letters of one project, held by one process. */
export class DeadLetterStore {
  readonly #runtime: Runtime;
  readonly #directory: string;
  readonly #lease: Lease;

  private constructor(runtime: Runtime, directory: string, claim: Lease) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#lease = claim;
  }

  /**
   * Takes the dead letters of the project in `directory`; `null` when another process holds them.
   *
   * @param token 32 hex digits that name the holder.
   */
  static claim(runtime: Runtime, directory: string, token: string): DeadLetterStore | null {
    const { files, process } = runtime;
    const retry = join(directory, RETRY_DIRECTORY);
    files.makeDirectory(retry);
    const prefix = join(retry, "claim.");
    const current = currentLease(files, prefix);
    if (current && !isGone(runtime, retry, current, token)) return null;
    const claim = Lease.acquire(runtime, prefix, current, token, ownIdentity(process));
    if (claim === null) return null;
    clearLitter(files, retry);
    return new DeadLetterStore(runtime, directory, claim);
  }

  /** Shows that the holder lives; to be called at every heartbeat. */
  heartbeat(): void {
    this.#lease.heartbeat();
  }

  /** Takes the dead letters of one segment into hand; `null` when there are none. */
  async begin(stem: string): Promise<DeadLetterTransaction | null> {
    const { files } = this.#runtime;
    const path = segmentPaths(this.#directory, stem).deadLetters;
    const aside = join(this.#directory, RETRY_DIRECTORY, stem + SUFFIX);
    const transaction = (): DeadLetterTransaction =>
      new DeadLetterTransaction(files, this.#lease, this.#directory, path, aside);
    if (files.stat(aside) !== null) await transaction().rollback();
    // The new name has to be durable before anything is taken out of the old place for good.
    await files.syncDirectory(this.#directory);
    this.#lease.assertHeld();
    try {
      files.rename(path, aside);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
    await files.syncDirectory(dirname(aside));
    return transaction();
  }

  /** Removes a quarantine that no entry points to and no sender can add to any more. */
  async dropQuarantine(stem: string): Promise<void> {
    const { files } = this.#runtime;
    const paths = segmentPaths(this.#directory, stem);
    if (files.stat(paths.data) !== null || files.stat(paths.quarantine) === null) return;
    if (files.stat(paths.deadLetters) !== null) {
      for await (const entry of readDeadLetters(files, paths.deadLetters)) {
        if (entry.quarantine !== null || entry.corrupt !== undefined) return;
      }
    }
    this.#lease.assertHeld();
    removeIfExists(files, paths.quarantine);
  }

  /** Lets the dead letters go. */
  release(): void {
    const { files } = this.#runtime;
    this.#lease.release();
    try {
      files.removeDirectory(join(this.#directory, RETRY_DIRECTORY));
    } catch {
      // Another one came, or a file in progress could not be put back.
    }
  }
}

/** The dead letters of one segment, in progress. */
export class DeadLetterTransaction {
  readonly #files: FileSystem;
  readonly #lease: Lease;
  readonly #directory: string;
  readonly #path: string;
  readonly #aside: string;
  /** Entries that need not be put back: position and length, for one that was still being written. */
  readonly #settled = new Map<number, number>();

  /** For {@linkcode DeadLetterStore.begin}. */
  constructor(files: FileSystem, claim: Lease, directory: string, path: string, aside: string) {
    this.#files = files;
    this.#lease = claim;
    this.#directory = directory;
    this.#path = path;
    this.#aside = aside;
  }

  /** The entries, in order. */
  entries(): AsyncGenerator<DeadLetterEntry> {
    return readDeadLetters(this.#files, this.#aside);
  }

  /**
   * Throws when another process has taken the dead letters over; looks at the disk only when this
   * one has shown no life for a while.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  assertHeld(): void {
    this.#lease.ensureHeld();
  }

  /** These entries are dead letters no more. */
  remove(entries: readonly EntrySpan[]): void {
    for (const { position, length } of entries) this.#settled.set(position, length);
  }

  /** Puts entries back in another form, forced to stable storage before it resolves. */
  async replace(replacements: readonly (readonly [DeadLetterEntry, string])[]): Promise<void> {
    if (replacements.length === 0) return;
    this.#lease.assertHeld();
    await this.#append((file) => {
      for (const [, text] of replacements) writeAll(file, encoder.encode(text));
      return Promise.resolve();
    });
    this.remove(replacements.map(([entry]) => entry));
  }

  /**
   * Puts back what was neither removed nor replaced, and ends. What a sender was just adding to the
   * file when it was taken goes back too.
   */
  async rollback(): Promise<void> {
    for (let seen = -1;;) {
      const size = this.#files.stat(this.#aside)?.size ?? seen;
      if (size === seen) break;
      seen = size;
      const left: EntrySpan[] = [];
      for await (const { position, length } of this.entries()) {
        if (this.#settled.get(position) !== length) left.push({ position, length });
      }
      this.#lease.assertHeld();
      if (left.length > 0) await this.#append((file) => this.#copy(left, file));
      this.remove(left);
    }
    this.#lease.assertHeld();
    removeIfExists(this.#files, this.#aside);
    await this.#files.syncDirectory(this.#directory);
  }

  async #append(write: (file: AppendFile) => Promise<void>): Promise<void> {
    const file = this.#files.openAppend(this.#path);
    try {
      endTornLine(file);
      await write(file);
      await file.dataSync();
    } finally {
      file.close();
    }
    await this.#files.syncDirectory(this.#directory);
  }

  /** Copies lines a whole one at a time, so that none is mixed with what a sender adds. */
  async #copy(entries: readonly EntrySpan[], file: AppendFile): Promise<void> {
    const source = this.#files.openRead(this.#aside);
    try {
      for (const { position, length } of entries) {
        const line = new Uint8Array(length + 1);
        for (let done = 0; done < length;) {
          const count = await source.read(position + done, line.subarray(done, length));
          if (count === 0) {
            throw Object.assign(new Error(`Cannot read a dead letter back: ${this.#aside}`), {
              code: "EIO",
            });
          }
          done += count;
        }
        line[length] = 10;
        writeAll(file, line);
      }
    } finally {
      source.close();
    }
  }
}

/** The place of a line in the file in progress. */
type EntrySpan = Pick<DeadLetterEntry, "position" | "length">;

const encoder = new TextEncoder();

function endTornLine(file: AppendFile): void {
  const size = file.size();
  if (size === 0) return;
  const last = new Uint8Array(1);
  file.read(size - 1, last);
  if (last[0] !== 10) writeAll(file, encoder.encode("\n"));
}

/** Removes what holders left that were killed within one step; a watcher makes its probe again. */
function clearLitter(files: FileSystem, retry: string): void {
  try {
    for (const { name } of files.list(retry)) {
      if (/\.(tmp|probe)$/.test(name)) removeIfExists(files, join(retry, name));
    }
  } catch {
    // It harms nobody.
  }
}

function isGone(
  { files, process }: Runtime,
  directory: string,
  { path, holder }: LeaseState,
  token: string,
): boolean {
  const state = holder === null ? "unknown" : liveness(holder, process);
  if (state !== "unknown") return state === "dead";
  const heartbeat = files.stat(path)?.modified;
  if (heartbeat === undefined) return true;
  const probe = join(directory, `${token}.probe`);
  try {
    files.createExclusive(probe, "");
    const now = files.stat(probe)?.modified ?? heartbeat;
    // An empty lease is one whose holder was killed while it made it, or is about to fill it.
    // After a jump of the clock a lease may seem to be from the future, until the next heartbeat.
    return Math.abs(now - heartbeat) > (holder === null ? STALE_AFTER_MS : ABANDONED_AFTER_MS);
  } finally {
    removeIfExists(files, probe);
  }
}
