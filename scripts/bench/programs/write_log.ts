/**
 * Writes a log and exits, so that another process finds it. Prints one line of JSON.
 *
 * Usage: `write_log.ts <directory> <server URL> <records>`
 *
 * @module
 */

import process from "node:process";
import { benchPipeline } from "../workloads/pipeline.ts";
import { idOf, startRequest } from "../workloads/records.ts";

const [directory, serverUrl, records] = process.argv.slice(2);
const log = benchPipeline(directory, { sender: false, fsync: "never", serverUrl });
for (let i = 0; i < Number(records); i++) {
  log.append("call_start", JSON.stringify(startRequest(idOf(i))));
}
await log.finish();
console.log(JSON.stringify({ records: Number(records) }));
