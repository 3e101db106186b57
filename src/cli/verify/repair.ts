/**
 * Puts what is bad out of the way. Nothing is deleted: bytes of records go to the segment's
 * `.quarantine` file with an entry among the dead letters, whole files into `.quarantine/` beside
 * the log.
 *
 * @module
 */

import { join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { Claim, currentClaim } from "../../wal/ownership/lease.ts";
import { FileSegment } from "../../wal/segment/file_segment.ts";
import { HEARTBEAT_MS } from "../../wal/ownership/failure_detector.ts";
import { ownIdentity } from "../../wal/ownership/process_identity.ts";
import { inspectSegment, isSealed, type StemFiles } from "../../wal/ownership/segment_status.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { partyName } from "../status/sender_state.ts";

/** Directory of files that were put out of the way, below a project's. */
export const QUARANTINE_DIRECTORY = ".quarantine";

/** What became of a repair. */
export type RepairResult = { readonly repaired: string } | { readonly unrepaired: string };

/** Repairs one segment, whose claim it holds from the first repair to the end. */
export class SegmentRepair {
  readonly #runtime: Runtime;
  readonly #stem: StemFiles;
  readonly #token: string;
  #claim: Claim | null = null;
  #segment: FileSegment | null = null;
  #refusal: string | null = null;
  #beatAt = 0;

  /** @param token 32 hex digits that name this process in its claims. */
  constructor(runtime: Runtime, stem: StemFiles, token: string) {
    this.#runtime = runtime;
    this.#stem = stem;
    this.#token = token;
  }

  /** Sets lines aside as a sender would: it then passes over them. */
  async setAside(letters: readonly DeadLetter[]): Promise<RepairResult> {
    const claim = this.#hold();
    if (claim === null) return { unrepaired: this.#refusal! };
    const { directory, stem, paths } = this.#stem;
    this.#segment ??= new FileSegment({
      runtime: this.#runtime,
      directory,
      stem,
      paths,
      claim,
      live: false,
      isSealed: () => false,
    });
    try {
      await this.#segment.setAsideLines(letters);
    } catch (error) {
      if (!hasCode(error, "ERR_CLAIM_LOST")) throw error;
      return { unrepaired: "left to a sender that took the file over" };
    }
    return { repaired: "set aside, see weave-wal dead-letters list" };
  }

  /** Moves a sidecar out of the way. */
  moveSidecar(name: string): RepairResult {
    if (this.#hold() === null) return { unrepaired: this.#refusal! };
    return moveAway(this.#runtime, this.#stem.directory, name);
  }

  /** Shows that the holder of the claim lives; to be called often while reading goes on. */
  beat(): void {
    const now = this.#runtime.clock.monotonic();
    if (this.#claim === null || now - this.#beatAt < HEARTBEAT_MS) return;
    this.#beatAt = now;
    this.#claim.beat();
  }

  /** Gives the claim back. */
  end(): void {
    if (this.#segment) this.#segment.release();
    else this.#claim?.release();
  }

  #hold(): Claim | null {
    if (this.#claim || this.#refusal !== null) return this.#claim;
    const { files, process } = this.#runtime;
    const state = inspectSegment(this.#runtime, this.#stem);
    if (state === null) return this.#refuse("gone meanwhile");
    const { claim, writer } = state;
    if (claim !== null && claim.standing !== "dead") {
      return this.#refuse(`left to its sender, ${partyName(claim)}, which sets it aside itself`);
    }
    if (!isSealed(state) && writer.sends !== false) {
      return this.#refuse(`left to its writer, ${partyName(writer)}, which sends it`);
    }
    const current = currentClaim(files, this.#stem.paths.claim);
    const prefix = this.#stem.paths.claim;
    this.#claim = Claim.take(this.#runtime, prefix, current, this.#token, ownIdentity(process));
    return this.#claim ?? this.#refuse("left to a sender that was quicker");
  }

  #refuse(why: string): null {
    this.#refusal = why;
    return null;
  }
}

/** Moves a file of a project's directory into `.quarantine/` beside it. */
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
