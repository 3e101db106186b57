/**
 * Writes a log and ends, so that another process finds it. Prints one line of JSON.
 *
 * Usage: `write_log.ts <directory> <server URL> <MiB>`
 *
 * @module
 */

import process from "node:process";
import { benchPipeline, idOf, startRequest } from "./pipeline.ts";

const [directory, serverUrl, size] = process.argv.slice(2);
const bytes = Number(size) * 2 ** 20;
const log = benchPipeline(directory, { sender: false, fsync: "never", serverUrl });
const record = JSON.stringify(startRequest(idOf(0))).length;
let records = 0;
for (; records * record < bytes; records++) {
  log.append("call_start", JSON.stringify(startRequest(idOf(records))));
}
await log.finish();
console.log(JSON.stringify({ records }));
