/**
 * One of many processes that write to one directory, each of which sends what it writes.
 * For each line of its standard input it prints one line of JSON:
 *
 * - `append <records>` appends them, sends them, and prints the median time of an append
 * - `leave <records>` appends them without sending them
 *
 * Usage: `neighbor.ts <directory> <server URL> <API key>`
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { median } from "../median.ts";
import { benchPipeline } from "../workloads/pipeline.ts";
import { idOf, startRequest } from "../workloads/records.ts";

const [directory, serverUrl, apiKey] = process.argv.slice(2);
/** Time (ms) that records wait to be sent together: longer than the process runs. */
const LINGER_MS = 3_600_000;

const pipeline = benchPipeline(directory, {
  serverUrl,
  apiKey,
  useCallsComplete: false,
  lingerMs: LINGER_MS,
});
let appended = 0;

function append(records: number): number {
  const micros: number[] = [];
  for (let n = 0; n < records; n++) {
    const request = JSON.stringify(startRequest(idOf(appended++)));
    const from = performance.now();
    pipeline.append("call_start", request);
    micros.push((performance.now() - from) * 1_000);
  }
  return median(micros);
}

append(1);
await pipeline.flush();
console.log(JSON.stringify({ pid: process.pid }));
for await (const line of createInterface({ input: process.stdin })) {
  const [what, records] = line.split(" ");
  const appendMicros = append(Number(records));
  if (what === "append") await pipeline.flush();
  console.log(JSON.stringify({ appendMicros }));
}
