/**
 * Opens a pipeline in a directory with orphaned segments, and measures how the recovery
 * affects the host. Prints one line of JSON.
 *
 * Usage: `recovery.ts <server URL> <directory> <processes>`; `write_orphans.ts` creates
 * the directory.
 *
 * @module
 */

import process from "node:process";
import { setInterval } from "node:timers";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import { benchPipeline } from "../workloads/pipeline.ts";
import { idOf, startRequest } from "../workloads/records.ts";

const [serverUrl, directory, processes] = process.argv.slice(2);
const RECORDS = 6 * Number(processes) + 1;

/** Ms between measurements of the event loop's delay. */
const TICK_MS = 1;

let operations = 0;
const host = detectRuntime();
const files = new Proxy(host.files, {
  get(target, name: keyof FileSystem) {
    const method = target[name] as (...args: unknown[]) => unknown;
    return (...args: unknown[]) => {
      operations += name === "removeInBackground" ? (args[0] as unknown[]).length : 1;
      return method.apply(target, args);
    };
  },
});

await fetch(serverUrl); // Resets the counters of the server.
const gaps: number[] = [];
let last = performance.now();
const ticks = setInterval(() => {
  const now = performance.now();
  gaps.push(now - last - TICK_MS);
  last = now;
}, TICK_MS);
const begun = performance.now();
const pipeline = benchPipeline(directory, {
  serverUrl,
  runtime: { ...host, files },
  useCallsComplete: false,
});
const opened = performance.now();
pipeline.append("call_start", JSON.stringify(startRequest(idOf(2 * Number(processes)))));
const appended = performance.now();
const { delivered } = await pipeline.flush();
const done = performance.now();
clearInterval(ticks);
if (delivered !== RECORDS) throw new Error(`Delivered ${delivered} of ${RECORDS} records`);
const { requests } = await (await fetch(serverUrl)).json() as { requests: number };
await pipeline.finish();
gaps.sort((a, b) => b - a);
console.log(JSON.stringify({
  initMs: opened - begun,
  firstCallMs: appended - opened,
  totalMs: done - begun,
  longestGapMs: gaps[0],
  gap999Ms: gaps[Math.floor(gaps.length / 1_000)],
  requests,
  operationsPerSegment: operations / Number(processes),
}));
