/**
 * Measures peak memory while the log of another process is delivered, relative to the
 * idle process. Prints one line of JSON.
 *
 * Usage: `memory.ts <directory> <server URL> <records>`; `write_log.ts` writes the log.
 *
 * @module
 */

import process from "node:process";
import { benchPipeline } from "../workloads/pipeline.ts";

const MB = 1e6;
const [directory, serverUrl, records] = process.argv.slice(2);

(globalThis as { gc?: () => void }).gc?.();
await new Promise((resolve) => setTimeout(resolve, 500));
const idle = process.memoryUsage().rss;
let peak = idle;
const look = (): number => peak = Math.max(peak, process.memoryUsage().rss);
const timer = setInterval(look, 5);
const sender = benchPipeline(directory, { serverUrl, useCallsComplete: false });
const { delivered } = await sender.finish();
clearInterval(timer);
look();
if (delivered !== Number(records)) throw new Error(`Delivered ${delivered} of ${records} records`);
console.log(JSON.stringify({ idleMB: idle / MB, peakOverIdleMB: (peak - idle) / MB }));
