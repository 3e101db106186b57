/**
 * Mutants that send the logs of foreign writers incorrectly.
 *
 * @module
 */

import { HeldEnds } from "../../../src/delivery/calls/held_ends.ts";
import { SegmentChain } from "../../../src/wal/segment/chain/segment_chain.ts";
import { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import type { Bug } from "./mutant.ts";
import { patch } from "./make.ts";

/** Mutants of sending logs whose writer rotates them, and appends from several threads. */
export const FOREIGN_BUGS: readonly Bug[] = [
  {
    name: "rotation-unknown",
    mistake: "an end is given up at the end of its segment, and its start is in the next one",
    breaks: ["dead-letter"],
    seeds: 2_000,
    from: 2_300,
    patch: () => {
      const chain = patch(SegmentChain.prototype, "continues", () => () => Promise.resolve(false));
      const file = patch(FileSegment.prototype, "continues", () => () => Promise.resolve(false));
      return () => {
        file();
        chain();
      };
    },
  },
  {
    name: "threads-unknown",
    mistake: "an end that another thread wrote before its start does not wait for it",
    breaks: ["dead-letter"],
    seeds: 1_000,
    patch: () => patch(HeldEnds.prototype, "hold", () => () => false),
  },
];
