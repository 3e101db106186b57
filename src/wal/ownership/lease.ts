/**
 * Claims: a segment is drained by exactly one sender at a time.
 *
 * A claim is a file `<stem>.claim.<generation>` made with an exclusive create. Who finds the holder
 * of generation n gone makes generation n + 1: the exclusive create lets one of many win, and a
 * winner that dies at once is overtaken the same way. (Taking a claim over by renaming it away, the
 * usual way, can take away the fresh claim of whoever was quicker, because a rename does not ask
 * what it renames.) A holder still holds while its own file carries its token and no younger
 * generation exists; it looks before it moves a checkpoint and before it deletes, and before it
 * sends if it has been silent for so long that somebody could have taken it for gone.
 *
 * @module
 */

import type { Clock, FileSystem, Runtime } from "../../runtime/runtime.ts";
import { hasCode, WeaveWalError } from "../../errors.ts";
import { LEASE_MS } from "./failure_detector.ts";
import { type Identity, readIdentity } from "./process_identity.ts";
import { basename, dirname } from "@std/path";

/** A claim as it stands on disk. */
export interface ClaimState {
  readonly generation: number;
  readonly path: string;
  /** `null` when the file is damaged or still being written. */
  readonly token: string | null;
  /** `null` like `token`. */
  readonly holder: Identity | null;
}

/** The youngest claim at `prefix` (`SegmentPaths.claim`), or `null` when nobody holds one. */
export function currentClaim(files: FileSystem, prefix: string): ClaimState | null {
  const generations = claimGenerations(files, prefix);
  const generation = generations.at(-1);
  if (generation === undefined) return null;
  const path = prefix + generation;
  let value: Record<string, unknown> | null = null;
  try {
    value = JSON.parse(files.readText(path)) as Record<string, unknown> | null;
  } catch (error) {
    // Released between the listing and the reading.
    if (hasCode(error, "ENOENT")) return currentClaim(files, prefix);
  }
  return {
    generation,
    path,
    token: typeof value?.token === "string" ? value.token : null,
    holder: readIdentity(value),
  };
}

/** Generations of the claims that stand at `prefix`, oldest first. */
export function claimGenerations(files: FileSystem, prefix: string): number[] {
  const start = basename(prefix);
  const found: number[] = [];
  for (const { name } of files.list(dirname(prefix))) {
    if (!name.startsWith(start)) continue;
    const rest = name.slice(start.length);
    if (/^\d{1,9}$/.test(rest)) found.push(Number(rest));
  }
  return found.sort((a, b) => a - b);
}

/** A claim that this process holds. */
export class Claim {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #generation: number;
  readonly #token: string;
  readonly #identity: Identity;
  #released = false;
  /** When the last heartbeat began that found the claim held, on the monotonic clock. */
  #heldAt: number;

  private constructor(
    { files, clock }: Pick<Runtime, "files" | "clock">,
    prefix: string,
    generation: number,
    token: string,
    identity: Identity,
  ) {
    this.#files = files;
    this.#clock = clock;
    this.#heldAt = clock.monotonic();
    this.#prefix = prefix;
    this.#generation = generation;
    this.#token = token;
    this.#identity = identity;
  }

  /**
   * Takes the claim after `gone`, the youngest one, whose holder is known to be gone; `null` when
   * there was none.
   *
   * @param stillGone Whether that holder is still to be taken for gone, asked when the new claim
   *   stands: a heartbeat that came in between has not seen it.
   * @returns The claim, or `null` when somebody else was quicker.
   */
  static take(
    runtime: Pick<Runtime, "files" | "clock">,
    prefix: string,
    gone: ClaimState | null,
    token: string,
    identity: Identity,
    stillGone: (gone: ClaimState) => boolean = () => true,
  ): Claim | null {
    const { files } = runtime;
    const generation = (gone?.generation ?? 0) + 1;
    const claim = new Claim(runtime, prefix, generation, token, identity);
    try {
      files.createExclusive(prefix + generation, claim.#text());
    } catch (error) {
      if (hasCode(error, "EEXIST")) return null;
      throw error;
    }
    let confirmed = false;
    try {
      confirmed = gone === null || stillGone(gone);
    } finally {
      if (!confirmed) claim.release();
    }
    if (!confirmed) return null;
    for (const older of claimGenerations(files, prefix)) {
      if (older < generation) removeIfThere(files, prefix + older);
    }
    return claim;
  }

  /** The claim's file, whose change is its heartbeat. */
  get path(): string {
    return this.#prefix + this.#generation;
  }

  /** Whether this process still holds the claim. */
  isHeld(): boolean {
    if (this.#released) return false;
    if (this.#files.stat(this.#prefix + (this.#generation + 1)) !== null) return false;
    try {
      const value = JSON.parse(this.#files.readText(this.path)) as { token?: unknown } | null;
      return value?.token === this.#token;
    } catch {
      return false;
    }
  }

  /**
   * Throws when this process does not hold the claim any more.
   *
   * @throws {WeaveWalError} `ERR_CLAIM_LOST`.
   */
  assertHeld(): void {
    if (!this.isHeld()) {
      throw new WeaveWalError("ERR_CLAIM_LOST", `Lost the claim on a segment: ${this.path}`);
    }
  }

  /** Shows that the holder lives. Does nothing when the claim is lost. */
  beat(): void {
    const at = this.#clock.monotonic();
    if (!this.isHeld()) return;
    this.#files.replace(this.path, this.#text());
    if (this.isHeld()) this.#heldAt = at;
  }

  /** Whether nobody can have taken the claim since it was last seen to be held; asks no disk. */
  get isFresh(): boolean {
    return !this.#released && this.#clock.monotonic() - this.#heldAt <= LEASE_MS;
  }

  /**
   * Throws when this process does not hold the claim any more; looks at the disk only when it has
   * shown no life for so long that somebody could have taken it for gone.
   *
   * @throws {WeaveWalError} `ERR_CLAIM_LOST`.
   */
  renew(): void {
    if (this.isFresh) return;
    try {
      this.beat();
    } catch {
      // A full disk takes no heartbeat. What counts is whose the claim is.
    }
    if (!this.isFresh) this.assertHeld();
  }

  /** Gives the claim back. A claim that was lost is left alone. */
  release(): void {
    if (this.isHeld()) removeIfThere(this.#files, this.path);
    this.#released = true;
  }

  #text(): string {
    return JSON.stringify({ token: this.#token, ...this.#identity });
  }
}

/** Shows that the holder of all of these lives; throws the first error when each had its turn. */
export function beatAll(claims: Iterable<Claim>): void {
  const errors: unknown[] = [];
  for (const claim of claims) {
    try {
      claim.beat();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Removes a file that may be gone already. */
export function removeIfThere(files: FileSystem, path: string): void {
  ifThere(() => files.remove(path));
}

/** Removes a file that may be large, and may be gone already. */
export function discardIfThere(files: FileSystem, path: string): void {
  ifThere(() => files.discard(path));
}

function ifThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
