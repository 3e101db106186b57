/**
 * Leases: of many senders, one at a time drains what processes left in a directory.
 *
 * A lease is a file `<prefix><epoch>` made with an exclusive create. A process that finds the
 * holder of epoch n dead makes epoch n + 1: the exclusive create lets one of many win, and a winner
 * that dies at once is succeeded the same way. (Taking a lease over by renaming its file away,
 * which is common, can take the fresh lease of a faster process, because a rename does not check
 * what it renames.) A holder still holds the lease while its own file contains its token and no
 * later epoch exists. It checks that before it moves a checkpoint and before it deletes, and before
 * it sends if it has sent no heartbeat for so long that another process may have presumed it dead.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { hasCode, WeaveWalError } from "../../errors.ts";
import type { Clock, FileSystem, Runtime } from "../../runtime/runtime.ts";
import { removeIfExists } from "../remove_file.ts";
import { LEASE_MS } from "./failure_detector.ts";
import { type ProcessIdentity, readIdentity } from "./process_identity.ts";

/** A lease as it is on disk. */
export interface LeaseState {
  readonly epoch: number;
  readonly path: string;
  /** `null` if the file is corrupt or still being written. */
  readonly token: string | null;
  /** `null` like `token`. */
  readonly holder: ProcessIdentity | null;
}

/** The lease with the highest epoch at `prefix`, or `null` if nobody holds one. */
export function currentLease(files: FileSystem, prefix: string): LeaseState | null {
  const epoch = leaseEpochs(files, prefix).at(-1);
  if (epoch === undefined) return null;
  const path = prefix + epoch;
  let value: Record<string, unknown> | null = null;
  try {
    value = JSON.parse(files.readText(path)) as Record<string, unknown> | null;
  } catch (error) {
    // Released between the listing and the reading.
    if (hasCode(error, "ENOENT")) return currentLease(files, prefix);
  }
  return {
    epoch,
    path,
    token: typeof value?.token === "string" ? value.token : null,
    holder: readIdentity(value),
  };
}

/** Epochs of the lease files at `prefix`, oldest first; none if their directory is none. */
export function leaseEpochs(files: FileSystem, prefix: string): number[] {
  const start = basename(prefix);
  const found: number[] = [];
  // The user may have put something else there: nobody can hold a lease, and other logs are
  // drained.
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

/** Removes the file of an older epoch; one that stays, or is not a file, has no effect. */
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
   * When the last heartbeat began after which the lease was seen to be held, on the monotonic
   * clock: nobody presumes the holder dead until {@linkcode LEASE_MS} later.
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
   * Acquires the lease after `expired`, the current one, whose holder is dead; `null` if there was
   * none.
   *
   * @param stillExpired Whether that holder is still presumed dead, asked once the new lease
   * exists: a heartbeat sent in between did not see it.
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

  /** The lease's file, whose change is its heartbeat. */
  get path(): string {
    return this.#prefix + this.#epoch;
  }

  /** Whether this process still holds the lease. */
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
   * Throws if this process does not hold the lease any more.
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
   * Whether no process can have taken the lease since it was last seen to be held; reads no file.
   */
  get isFresh(): boolean {
    return !this.#released && this.#clock.monotonic() - this.#heldAt <= LEASE_MS;
  }

  /**
   * Throws if this process does not hold the lease any more; reads the disk only if the last
   * heartbeat is so old that another process may have presumed this one dead.
   *
   * @throws {WeaveWalError} `ERR_LEASE_LOST`.
   */
  ensureHeld(): void {
    if (this.isFresh) return;
    try {
      this.heartbeat();
    } catch {
      // A full disk takes no heartbeat. What counts is whose the lease is.
    }
    if (!this.isFresh) this.assertHeld();
  }

  /** Gives the lease back. A lease that was lost is left alone. */
  release(): void {
    if (this.isHeld()) removeIfExists(this.#files, this.path);
    this.#released = true;
  }

  #text(): string {
    return JSON.stringify({ token: this.#token, ...this.#identity });
  }
}
