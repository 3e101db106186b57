/**
 * Moves corrupt data out of the way. Nothing is deleted: bytes of records go to the segment's
 * `.quarantine` file with a dead letter entry, complete files to `.quarantine/` beside the log.
 *
 * @module
 */

import { join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Lease, LeaseState } from "../../wal/leases/lease.ts";
import { FileSegment } from "../../wal/segment/file_segment.ts";
import { HEARTBEAT_MS } from "../../wal/processes/failure_detector.ts";
import { acquireLease, releaseLease } from "../../wal/leases/recovery_leases.ts";
import { inspectSegment, isFinal, type SegmentFiles } from "../../wal/orphans/segment_status.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { parseStem, recoveryLease } from "../../wal/segment/segment_name.ts";
import { processName } from "../status/state/sender_state.ts";

/** Directory for files moved out of the way, inside a project's directory. */
export const QUARANTINE_DIRECTORY = ".quarantine";

/** Result of a repair. */
export type RepairResult = { readonly repaired: string } | { readonly unrepaired: string };

/** Repairs one segment, and holds its lease from the first repair to the end. */
export class SegmentRepair {
  readonly #runtime: Runtime;
  readonly #stem: SegmentFiles;
  readonly #token: string;
  #lease: Lease | null = null;
  #segment: FileSegment | null = null;
  #refusal: string | null = null;
  #heartbeatAt = 0;

  /** @param token Token of this process in its leases, 32 hex digits. */
  constructor(runtime: Runtime, stem: SegmentFiles, token: string) {
    this.#runtime = runtime;
    this.#stem = stem;
    this.#token = token;
  }

  /** Dead-letters lines like a sender, so that senders skip them. */
  async deadLetter(deadLetters: readonly DeadLetter[]): Promise<RepairResult> {
    const lease = this.#hold();
    if (lease === null) return { unrepaired: this.#refusal! };
    const { directory, stem, paths } = this.#stem;
    this.#segment ??= new FileSegment({
      runtime: this.#runtime,
      directory,
      stem,
      paths,
      guard: lease,
      live: false,
      isSealed: () => false,
    });
    try {
      await this.#segment.deadLetterLines(deadLetters);
    } catch (error) {
      if (!hasCode(error, "ERR_LEASE_LOST")) throw error;
      return { unrepaired: "left to a sender that took the file over" };
    }
    return { repaired: "kept as a dead letter, see weave-wal dead-letters list" };
  }

  /** Moves a sidecar out of the way. */
  moveSidecar(name: string): RepairResult {
    if (this.#hold() === null) return { unrepaired: this.#refusal! };
    return moveAway(this.#runtime, this.#stem.directory, name);
  }

  /** Sends a heartbeat of the lease. Call it often while reading. */
  heartbeat(): void {
    const now = this.#runtime.clock.monotonic();
    if (this.#lease === null || now - this.#heartbeatAt < HEARTBEAT_MS) return;
    this.#heartbeatAt = now;
    this.#lease.heartbeat();
  }

  /** Releases the lease. */
  end(): void {
    this.#segment?.release();
    if (this.#lease !== null) releaseLease(this.#runtime.files, this.#lease);
  }

  #hold(): Lease | null {
    if (this.#lease || this.#refusal !== null) return this.#lease;
    const state = inspectSegment(this.#runtime, this.#stem);
    if (state === null) return this.#refuse("deleted meanwhile");
    const { drainer, writer } = state;
    if (drainer !== null && drainer.liveness !== "dead") {
      return this.#refuse(
        `left to its sender, ${processName(drainer)}, which dead-letters it itself`,
      );
    }
    if (!isFinal(state) && writer.sends !== false) {
      return this.#refuse(`left to its writer, ${processName(writer)}, which sends it`);
    }
    const { directory, stem } = this.#stem;
    const prefix = recoveryLease(directory, parseStem(stem)?.writer ?? "");
    // Only the lease of the dead holder expires, not one acquired later.
    const isExpired = (lease: LeaseState): boolean => lease.token === drainer?.token;
    this.#lease = acquireLease(this.#runtime, prefix, this.#token, isExpired);
    return this.#lease ?? this.#refuse("left to another sender");
  }

  #refuse(why: string): null {
    this.#refusal = why;
    return null;
  }
}

/** Moves a file of a project's directory into `.quarantine/` inside it. */
export function moveAway({ files }: Runtime, directory: string, name: string): RepairResult {
  const quarantine = join(directory, QUARANTINE_DIRECTORY);
  files.makeDirectory(quarantine);
  let target = join(quarantine, name);
  for (let number = 1; files.stat(target) !== null; number++) {
    target = join(quarantine, `${name}.${number}`);
  }
  files.rename(join(directory, name), target);
  return { repaired: `moved to ${QUARANTINE_DIRECTORY}/` };
}
