/**
 * Runs a program whose log is in a directory with many files, while the server is away: it
 * traces, and asks for its statistics again and again. Measures how long its event loop is
 * blocked, and how much CPU its main thread uses in that time: on a busy machine, a gap is mostly
 * the time of other programs. Linux tells the CPU of a running thread to 4 ms. Prints one line of
 * JSON.
 *
 * Usage: `crowded_host.ts <directory> <seconds>`; `write_orphans.ts` creates the directory.
 *
 * @module
 */

import { openSync, readSync } from "node:fs";
import process from "node:process";
import { setInterval } from "node:timers";
import { backgroundFetch } from "../../../src/client/server/host_fetch.ts";
import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { benchPipeline } from "../workloads/pipeline.ts";
import { idOf, startRequest } from "../workloads/records.ts";

const [directory, seconds] = process.argv.slice(2);

/** Ms between measurements of the event loop's delay. */
const TICK_MS = 1;

/** Times of the main thread; on Linux only. */
const schedule = process.platform === "linux" ? openSync("/proc/self/schedstat", "r") : null;
const text = new Uint8Array(64);

/** Returns the CPU time of the main thread; elsewhere that of the process. */
function mainThreadMs(): number {
  if (schedule === null) {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  }
  const length = readSync(schedule, text, 0, text.length, 0);
  return parseInt(new TextDecoder().decode(text.subarray(0, length))) / 1e6;
}

const begun = performance.now();
const gaps: number[] = [];
const busy: number[] = [];
let last = begun;
let lastCpu = mainThreadMs();
const ticks = setInterval(() => {
  const now = performance.now();
  const cpu = mainThreadMs();
  gaps.push(now - last - TICK_MS);
  busy.push(cpu - lastCpu);
  last = now;
  lastCpu = cpu;
}, TICK_MS);
const pipeline = benchPipeline(directory, {
  fetch: backgroundFetch(detectRuntime(), DEFAULTS.exitDrainMs),
  onEvent: () => {},
});
let reports = 0;
for (; performance.now() - begun < Number(seconds) * 1_000; reports++) {
  pipeline.append("call_start", JSON.stringify(startRequest(idOf(reports))));
  await pipeline.stats();
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const { pendingRecords } = await pipeline.stats();
await pipeline.finish({ timeout: 1_000 });
clearInterval(ticks);
if (pendingRecords < reports) throw new Error(`${pendingRecords} of ${reports} records pending`);
for (const values of [gaps, busy]) values.sort((a, b) => b - a);
console.log(JSON.stringify({
  longestGapMs: gaps[0],
  longestBusyMs: busy[0],
  busyOver15: busy.filter((ms) => ms > 15).length,
  gap999Ms: gaps[Math.floor(gaps.length / 1_000)],
  pendingRecords,
  reports,
}));
