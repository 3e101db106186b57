/**
 * The recovery leases of a project's directory determine which process drains orphaned segments.
 *
 * There is one lease for each server, for segments that name the server, and a shared lease for
 * segments of other writers, which do not: senders for different servers must agree on those.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { removeIfExists } from "../remove_file.ts";
import type { SegmentGuard } from "../segment/segment.ts";
import {
  leasePrefix,
  RECOVERY_DIRECTORY,
  recoveryLease,
  sharedLeasePrefix,
} from "../segment/segment_name.ts";
import type { ListedSegment } from "../orphans/directory_listing.ts";
import { FailureDetector } from "../processes/failure_detector.ts";
import { currentLease, Lease, type LeaseState } from "./lease.ts";
import { liveness, ownIdentity } from "../processes/process_identity.ts";

/** Options for {@linkcode RecoveryLeases}. */
export interface RecoveryLeasesOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  /** Base URL of the server that this process sends to. */
  readonly server: string;
  /** Token of this process. */
  readonly token: string;
}

/** The leases of one directory that this process holds. */
export class RecoveryLeases {
  readonly #options: RecoveryLeasesOptions;
  readonly #detector: FailureDetector;
  /** Leases that this process holds, or held at the last check, by prefix. */
  readonly #held = new Map<string, Lease>();

  /** Creates an instance that holds no lease. */
  constructor(options: RecoveryLeasesOptions) {
    this.#options = options;
    this.#detector = new FailureDetector(options.runtime.files, options.runtime.clock);
  }

  /** Whether this process holds any lease. */
  get any(): boolean {
    return this.#held.size > 0;
  }

  /** Whether this process holds the lease for segments that name its server. */
  get holdsOwn(): boolean {
    return this.#held.has(this.#ownPrefix);
  }

  /** Returns whether this process holds the lease for a segment. */
  covers(segment: ListedSegment): boolean {
    return this.#held.has(prefixOf(segment));
  }

  /** Returns the path prefixes of the leases for these segments, in slices. */
  async prefixesOf(segments: readonly ListedSegment[]): Promise<ReadonlySet<string>> {
    const slices = new Slices(this.#options.runtime.clock);
    const prefixes = new Set<string>();
    for (const segment of segments) {
      if (slices.isOver) await slices.next();
      prefixes.add(prefixOf(segment));
    }
    return prefixes;
  }

  /**
   * Acquires the leases at these prefixes that no other process holds.
   *
   * @returns Whether a lease is new. The directory must then be read again, for the work of earlier
   * holders.
   */
  acquire(prefixes: ReadonlySet<string>): boolean {
    this.forgetLost();
    const needed = [...prefixes].filter((one) => !this.#held.has(one));
    return needed.map((prefix) => this.#acquire(prefix)).some((isNew) => isNew);
  }

  /**
   * Acquires leases whose holder was killed just before releasing them, so that they can be
   * released.
   */
  acquireAbandoned(): void {
    const { runtime: { files }, directory } = this.#options;
    if (files.stat(join(directory, RECOVERY_DIRECTORY))?.kind !== "directory") return;
    this.#acquire(this.#ownPrefix);
    const shared = sharedLeasePrefix(directory);
    if (currentLease(files, shared) !== null) this.#acquire(shared);
  }

  /**
   * Returns a guard for draining these segments, based on the leases that cover them now, not on
   * later ones.
   */
  guardOf(segments: readonly ListedSegment[]): SegmentGuard {
    const leases = [...new Set(segments.map(prefixOf))].map((prefix) => this.#held.get(prefix)!);
    return {
      assertHeld: () => leases.forEach((lease) => lease.assertHeld()),
      ensureHeld: () => leases.forEach((lease) => lease.ensureHeld()),
    };
  }

  /** Forgets leases that another process has taken over; drains under them end. */
  forgetLost(): void {
    for (const [prefix, lease] of this.#held) {
      if (lease.isHeld()) continue;
      this.#held.delete(prefix);
      // The next lease may have the same epoch.
      lease.release();
    }
  }

  /** Sends heartbeats for all leases, then throws the first error, if any. */
  heartbeat(): void {
    const errors: unknown[] = [];
    for (const lease of this.#held.values()) {
      try {
        lease.heartbeat();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Releases the leases. */
  release(): void {
    const { files } = this.#options.runtime;
    for (const [prefix, lease] of this.#held) {
      try {
        if (lease.isHeld()) removeTemporaries(files, prefix);
      } catch {
        // The next holder removes them.
      }
      releaseLease(files, lease);
    }
    this.#held.clear();
  }

  get #ownPrefix(): string {
    return leasePrefix(this.#options.directory, this.#options.server);
  }

  #acquire(prefix: string): boolean {
    const { runtime, token } = this.#options;
    const lease = acquireLease(runtime, prefix, token, (state) => this.#isExpired(state));
    if (lease !== null) this.#held.set(prefix, lease);
    return lease !== null;
  }

  #isExpired({ path, holder, token }: LeaseState): boolean {
    // This process left it when its disk failed.
    if (token === this.#options.token) return true;
    const state = holder === null ? "unknown" : liveness(holder, this.#options.runtime.process);
    return state === "dead" || this.#detector.isStale(path, undefined);
  }
}

/**
 * Acquires the recovery lease at `prefix`; returns `null` if another process holds it or is faster.
 *
 * @param isExpired Returns whether a lease may be succeeded.
 */
export function acquireLease(
  { files, clock, process }: Runtime,
  prefix: string,
  token: string,
  isExpired: (state: LeaseState) => boolean,
): Lease | null {
  const current = currentLease(files, prefix);
  if (current && !isExpired(current)) return null;
  const acquire = (): Lease | null => {
    files.makeDirectory(dirname(prefix));
    return Lease.acquire({ files, clock }, prefix, current, token, ownIdentity(process), isExpired);
  };
  try {
    return acquire();
  } catch (error) {
    // Another process has released its lease, and removed the empty directory.
    if (!hasCode(error, "ENOENT")) throw error;
    return acquire();
  }
}

/** Releases a recovery lease, and removes the lease directory with the last one. */
export function releaseLease(files: FileSystem, lease: Lease): void {
  try {
    lease.release();
    files.removeDirectory(dirname(lease.path));
  } catch {
    // It expires without heartbeats; another process may hold a lease.
  }
}

/**
 * Removes temporary files of heartbeats of killed processes. Only a holder may do this, because no
 * other process then writes heartbeats.
 */
function removeTemporaries(files: FileSystem, prefix: string): void {
  const leases = dirname(prefix);
  for (const { name } of files.list(leases)) {
    const path = join(leases, name);
    if (path.startsWith(prefix) && name.endsWith(".tmp")) removeIfExists(files, path);
  }
}

function prefixOf({ directory, writer }: ListedSegment): string {
  return recoveryLease(directory, writer);
}
