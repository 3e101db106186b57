/**
 * A script that traces its work and finishes at the end of its scope.
 *
 *     deno run --allow-net --allow-env --allow-read --allow-write main.ts README.md
 */

import { init, op } from "@weave-wal/client";

await using client = await init("team/examples", { wal: true });

const countWords = op(function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
});

const summarize = op(async function summarize(path: string): Promise<string> {
  const text = await Deno.readTextFile(path);
  return `${path}: ${countWords(text)} words`;
});

for (const path of Deno.args) console.log(await summarize(path));

// Records that were not delivered yet are in the log and wait there.
const { pendingRecords } = await client.stats();
console.error(`${pendingRecords} records pending`);
