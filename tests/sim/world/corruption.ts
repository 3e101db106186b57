/**
 * Checkpoints overwritten by something other than the library.
 *
 * @module
 */

import type { Random } from "../scenario/random.ts";
import type { SimContext } from "./context.ts";
import { WAL_DIR } from "../process/simulated_pipeline.ts";

/** Overwrites a checkpoint with a value that skips no record, even if it is trusted. */
export function corruptCheckpoint(
  { ledger, disk, past }: SimContext,
  how: string,
  random: Random,
): boolean {
  const checkpoints = ledger.files(WAL_DIR).filter((path) => path.endsWith(".checkpoint"));
  if (checkpoints.length === 0) return false;
  const path = random.pick(checkpoints);
  const data = ledger.bytes(path.replace(/checkpoint$/, "jsonl"));
  const size = data?.length ?? 0;
  let inside = random.int(1, Math.max(1, size - 1));
  while (data && inside > 0 && data[inside - 1] === 10) inside--;
  const texts: Record<string, string> = {
    inside: String(inside),
    beyond: String(size + random.int(1, 1_000)),
    negative: "-1",
    empty: "",
    garbage: "12 monkeys",
    zeros: "\0\0\0",
  };
  past.disturbed = true;
  disk.put(path, texts[how]);
  for (const record of ledger.records) record.checkpointed = false;
  return true;
}
