/**
 * Leases: of many senders, only one at a time drains the orphaned segments in a directory.
 *
 * A lease is a file `<prefix><epoch>`, created exclusively. A process that finds the holder of
 * epoch n dead creates epoch n + 1; the exclusive create ensures that only one process succeeds,
 * and if that process dies at once, it is succeeded in the same way. (The common approach, taking
 * over a lease by renaming its file, can take the fresh lease of a faster process, because a rename
 * does not check what it renames.) A process still holds the lease while its file contains its
 * token and no later epoch exists. It checks this before it moves a checkpoint and before it
 * deletes. It also checks before it sends if its last heartbeat is so old that another process may
 * have presumed it dead.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { hasCode, WeaveWalError } from "../../errors.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import type { Clock, Runtime } from "../../runtime/runtime.ts";
import { removeIfExists } from "../remove_file.ts";
import { LEASE_MS } from "../processes/failure_detector.ts";
import { type ProcessIdentity, readIdentity } from "../processes/process_identity.ts";

/** A lease as stored on disk. */
export interface LeaseState {
  readonly epoch: number;
  readonly path: string;
  /** `null` if the file is corrupt or still being written. */
  readonly token: string | null;
  /** `null` if `token` is. */
  readonly holder: ProcessIdentity | null;
}

/** Returns the lease with the highest epoch at `prefix`, or `null` if there is none. */
export function currentLease(files: FileSystem, prefix: string): LeaseState | null {
  const epoch = leaseEpochs(files, prefix).at(-1);
  if (epoch === undefined) return null;
  const path = prefix + epoch;
  let value: Record<string, unknown> | null = null;
  try {
    value = JSON.parse(files.readText(path)) as Record<string, unknown> | null;
  } catch (error) {
    // Released between listing and reading.
    if (hasCode(error, "ENOENT")) return currentLease(files, prefix);
  }
  return {
    epoch,
    path,
    token: typeof value?.token === "string" ? value.token : null,
    holder: readIdentity(value),
  };
}

/**
 * Returns the epochs of the lease files at `prefix`, oldest first; empty if the directory does not
 * exist.
 */
export function leaseEpochs(files: FileSystem, prefix: string): number[] {
  const start = basename(prefix);
  const found: number[] = [];
  // If something else is there, no process can hold a lease, and other logs are still drained.
  if (files.stat(dirname(prefix))?.kind !== "directory") return found;
  try {
    for (const { name } of files.list(dirname(prefix))) {
      if (!name.startsWith(start)) continue;
      const rest = name.slice(start.length);
      if (/^\d{1,9}$/.test(rest)) found.push(Number(rest));
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  return found.sort((a, b) => a - b);
}

/** Removes the file of an older epoch. Failing to remove it has no effect. */
function removeIfPossible(files: FileSystem, path: string): void {
  try {
    removeIfExists(files, path);
  } catch {
    // The highest epoch holds the lease.
  }
}

/** A lease that this process holds. */
export class Lease {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #epoch: number;
  readonly #token: string;
  readonly #identity: ProcessIdentity;
  #released = false;
  /**
   * Start of the last heartbeat after which the lease was seen to be held, on the monotonic clock.
   * No process presumes the holder dead within {@linkcode LEASE_MS} of it.
   */
  #heldAt: number;

  private constructor(
    { files, clock }: Pick<Runtime, "files" | "clock">,
    prefix: string,
    epoch: number,
    token: string,
    identity: ProcessIdentity,
  ) {
    this.#files = files;
    this.#clock = clock;
    this.#heldAt = clock.monotonic();
    this.#prefix = prefix;
    this.#epoch = epoch;
    this.#token = token;
    this.#identity = identity;
  }

  /**
   * Acquires the lease that follows `expired`, whose holder is dead; `null` if there was none.
   *
   * @param stillExpired Returns whether that holder is still presumed dead. Called once the new
   * lease exists, because a heartbeat sent before then did not see it.
   * @returns The lease, or `null` if another process was faster.
   */
  static acquire(
    runtime: Pick<Runtime, "files" | "clock">,
    prefix: string,
    expired: LeaseState | null,
    token: string,
    identity: ProcessIdentity,
    stillExpired: (expired: LeaseState) => boolean = () => true,
  ): Lease | null {
    const { files } = runtime;
    const epoch = (expired?.epoch ?? 0) + 1;
    const lease = new Lease(runtime, prefix, epoch, token, identity);
    try {
      files.createExclusive(prefix + epoch, lease.#text());
    } catch (error) {
      if (hasCode(error, "EEXIST")) return null;
      throw error;
    }
    let confirmed = false;
    try {
      confirmed = expired === null || stillExpired(expired);
    } finally {
      if (!confirmed) lease.release();
    }
    if (!confirmed) return null;
    for (const older of leaseEpochs(files, prefix)) {
      if (older < epoch) removeIfPossible(files, prefix + older);
    }
    return lease;
  }

  /** Path of the lease file, whose changes are heartbeats. */
  get path(): string {
    return this.#prefix + this.#epoch;
  }

  /** Returns whether this process still holds the lease. */
  isHeld(): boolean {
    if (this.#released) return false;
    if (this.#files.stat(this.#prefix + (this.#epoch + 1)) !== null) return false;
    try {
      const value = JSON.parse(this.#files.readText(this.path)) as { token?: unknown } | null;
      return value?.token === this.#token;
    } catch {
      return false;
    }
  }

  /**
   * Throws if this process no longer holds the lease.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  assertHeld(): void {
    if (!this.isHeld()) {
      throw new WeaveWalError("ERR_LEASE_LOST", `Lost the lease: ${this.path}`);
    }
  }

  /** Sends a heartbeat. Does nothing if the lease is lost. */
  heartbeat(): void {
    const at = this.#clock.monotonic();
    if (!this.isHeld()) return;
    this.#files.replace(this.path, this.#text());
    if (this.isHeld()) this.#heldAt = at;
  }

  /**
   * Whether no other process can have taken the lease since it was last seen to be held. Reads no
   * file.
   */
  get isFresh(): boolean {
    return !this.#released && this.#clock.monotonic() - this.#heldAt <= LEASE_MS;
  }

  /**
   * Throws if this process no longer holds the lease. Reads the disk only if the last heartbeat is
   * so old that another process may have presumed this one dead.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  ensureHeld(): void {
    if (this.isFresh) return;
    try {
      this.heartbeat();
    } catch {
      // A heartbeat fails on a full disk; what matters is the current holder.
    }
    if (!this.isFresh) this.assertHeld();
  }

  /** Releases the lease. Does nothing on disk if it was lost. */
  release(): void {
    if (this.isHeld()) removeIfExists(this.#files, this.path);
    this.#released = true;
  }

  #text(): string {
    return JSON.stringify({ token: this.#token, ...this.#identity });
  }
}
