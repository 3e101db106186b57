/**
 * Removes dead letters from their files, because they were delivered or the user discarded them.
 *
 * A transaction begins by renaming the file into `.retry/` beside it. A sender that dead-letters
 * records meanwhile creates a new file under the old name; the remaining entries are appended to
 * that file before the renamed one is removed. A crash leaves the renamed file intact, and the next
 * transaction restores it first: an entry may then exist twice, but none is lost. A lease for each
 * project prevents two transactions at once.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { AppendFile, FileSystem } from "../../runtime/file_system.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { currentLease, Lease, type LeaseState } from "../leases/lease.ts";
import { removeIfExists } from "../remove_file.ts";
import { type DeadLetterEntry, readDeadLetters } from "./dead_letter_reader.ts";
import type { HeldDeadLetters } from "./held_dead_letters.ts";
import { endTornLine, writeAll } from "./dead_letter_file.ts";
import { ABANDONED_AFTER_MS, isOlderThan, STALE_AFTER_MS } from "../processes/failure_detector.ts";
import { liveness, ownIdentity } from "../processes/process_identity.ts";
import { segmentPaths } from "../segment/segment_name.ts";

/** Directory of the renamed files, inside a project's directory. */
export const RETRY_DIRECTORY = ".retry";

/**
 * Returns whether a process works on the dead letters of a project, or was interrupted: it may have
 * left its lease even if it left no transaction.
 */
export function isUnfinished(files: FileSystem, directory: string): boolean {
  return files.stat(join(directory, RETRY_DIRECTORY)) !== null;
}

/** Returns the stems of segments whose transactions were interrupted. */
export function unfinishedTransactions(files: FileSystem, directory: string): string[] {
  if (!isUnfinished(files, directory)) return [];
  return files.list(join(directory, RETRY_DIRECTORY)).map(({ name }) => name).filter((name) =>
    name.endsWith(SUFFIX)
  )
    .map((name) => name.slice(0, -SUFFIX.length));
}

const SUFFIX = ".deadletter";

/** The dead letters of one project, leased by this process. */
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
   * Acquires the lease on the dead letters in `directory`; returns `null` if another process holds
   * it.
   *
   * @param token The holder's token, 32 hex digits.
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

  /** Sends a heartbeat. Call it at every heartbeat of the process. */
  heartbeat(): void {
    this.#lease.heartbeat();
  }

  /** Begins a transaction on the dead letters of one segment; returns `null` if there are none. */
  async begin(stem: string): Promise<DeadLetterTransaction | null> {
    const { files } = this.#runtime;
    const path = segmentPaths(this.#directory, stem).deadLetters;
    const aside = join(this.#directory, RETRY_DIRECTORY, stem + SUFFIX);
    const transaction = (): DeadLetterTransaction =>
      new DeadLetterTransaction(files, this.#lease, this.#directory, path, aside);
    if (files.stat(aside) !== null) await transaction().rollback();
    // The new name must be durable before entries are removed from the old file.
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

  /** Removes a quarantine file that no entry refers to and that no sender can add to. */
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

  /** Releases the lease. */
  release(): void {
    const { files } = this.#runtime;
    this.#lease.release();
    try {
      files.removeDirectory(join(this.#directory, RETRY_DIRECTORY));
    } catch {
      // Another process has acquired a lease, or an unfinished transaction remains.
    }
  }
}

/** A transaction on the dead letters of one segment. */
export class DeadLetterTransaction implements HeldDeadLetters {
  readonly #files: FileSystem;
  readonly #lease: Lease;
  readonly #directory: string;
  readonly #path: string;
  readonly #aside: string;
  /**
   * Position and length of entries not to restore; the length detects one that was still being
   * written.
   */
  readonly #settled = new Map<number, number>();

  /** Use {@linkcode DeadLetterStore.begin}. */
  constructor(files: FileSystem, claim: Lease, directory: string, path: string, aside: string) {
    this.#files = files;
    this.#lease = claim;
    this.#directory = directory;
    this.#path = path;
    this.#aside = aside;
  }

  /** Reads the entries, in order. */
  entries(): AsyncGenerator<DeadLetterEntry> {
    return readDeadLetters(this.#files, this.#aside);
  }

  /**
   * Checks that this process still holds the lease. Reads the disk only if its last heartbeat is
   * old.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  assertHeld(): void {
    this.#lease.ensureHeld();
  }

  /** Marks entries for removal. */
  remove(entries: readonly EntrySpan[]): void {
    for (const { position, length } of entries) this.#settled.set(position, length);
  }

  /** Writes entries back in a changed form, and syncs the file before it resolves. */
  async replace(replacements: readonly (readonly [DeadLetterEntry, string])[]): Promise<void> {
    if (replacements.length === 0) return;
    this.#lease.assertHeld();
    await this.#append((file) => {
      for (const [, text] of replacements) writeAll(file, new TextEncoder().encode(text));
      return Promise.resolve();
    });
    this.remove(replacements.map(([entry]) => entry));
  }

  /**
   * Writes back all entries that were neither removed nor replaced, and ends the transaction. This
   * includes entries that a sender was still adding when the file was renamed.
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

  /** Copies each line with one append, so that it does not interleave with what a sender adds. */
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

/** The position of a line in the renamed file. */
type EntrySpan = Pick<DeadLetterEntry, "position" | "length">;

/** Removes the temporary files of holders that were killed; an observer recreates its probe. */
function clearLitter(files: FileSystem, retry: string): void {
  try {
    for (const { name } of files.list(retry)) {
      if (/\.(tmp|probe)$/.test(name)) removeIfExists(files, join(retry, name));
    }
  } catch {
    // They do no harm.
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
    // An empty lease is still being written, or its holder was killed while writing it.
    return isOlderThan(holder === null ? STALE_AFTER_MS : ABANDONED_AFTER_MS, heartbeat, now);
  } finally {
    removeIfExists(files, probe);
  }
}
