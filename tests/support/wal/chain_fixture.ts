/**
 * A chain of segments in memory, under a lease that a test can revoke.
 *
 * @module
 */

import assert from "node:assert/strict";
import { WeaveWalError } from "../../../src/errors.ts";
import type { ListedSegment } from "../../../src/wal/orphans/directory_listing.ts";
import { SegmentChain } from "../../../src/wal/segment/chain/segment_chain.ts";
import type { SegmentGuard } from "../../../src/wal/segment/segment.ts";
import type { MemoryClock } from "../simulated_runtime/memory_clock.ts";
import type { MemoryRuntime } from "../simulated_runtime/memory.ts";
import { LogWorld, PROJECT } from "./wal_fixture.ts";
import { putSegment, tokenOf } from "./writer_fixture.ts";

/** Segments on a disk, and the process that opens them as a chain. */
export interface ChainScene {
  readonly world: LogWorld;
  readonly runtime: MemoryRuntime;
  /** The lease; set `held` to false to lose it. */
  readonly guard: SegmentGuard & { held: boolean };
  /** Errors that the chains reported. */
  readonly errors: unknown[];
  readonly segments: readonly ListedSegment[];
  readonly clock: MemoryClock;
  /** Opens the segments as a chain. */
  open(): Promise<SegmentChain>;
}

/** Creates segments with these files, in order; a string is the data. */
export function chainScene(...contents: (string | Record<string, string>)[]): ChainScene {
  const world = new LogWorld();
  const segments = contents.map((files, index) =>
    putSegment(
      world,
      tokenOf(1),
      typeof files === "string" ? { ".jsonl": files } : files,
      BigInt(index),
    )
  );
  const runtime = world.process();
  const guard = {
    held: true,
    assertHeld() {
      if (!this.held) throw new WeaveWalError("ERR_LEASE_LOST", "Lost the lease");
    },
    ensureHeld() {
      this.assertHeld();
    },
  };
  const errors: unknown[] = [];
  const open = () =>
    SegmentChain.open(
      { runtime, guard, onError: (_, error) => void errors.push(error) },
      segments,
    );
  return { world, runtime, guard, errors, segments, open, clock: world.clock };
}

/** All text of a chain, read `size` bytes at a time. */
export async function textOf(chain: SegmentChain, size: number = 1 << 16): Promise<string> {
  const all = new Uint8Array(chain.end());
  for (let at = 0; at < all.length;) {
    const count = await chain.read(at, all.subarray(at, at + size));
    assert.ok(count > 0, "there is more");
    at += count;
  }
  assert.equal(await chain.read(all.length, new Uint8Array(8)), 0);
  return new TextDecoder().decode(all);
}

/** The text of a file of a segment; `null` if it does not exist. */
export function textIn(
  runtime: MemoryRuntime,
  { stem }: ListedSegment,
  suffix: string,
): string | null {
  const path = `${PROJECT}/${stem}${suffix}`;
  return runtime.files.exists(path) ? runtime.files.readText(path) : null;
}
