/**
 * Runs a program whose log is in a directory with many files, while the server is away: it
 * traces, and asks for its statistics again and again. Measures how long its event loop is
 * blocked, and how much CPU the program uses in that time: on a busy machine, a gap is mostly
 * the time of other programs. Prints one line of JSON.
 *
 * Usage: `crowded_host.ts <directory> <seconds>`; `write_orphans.ts` creates the directory.
 *
 * @module
 */

import process from "node:process";
import { setInterval } from "node:timers";
import { benchPipeline } from "../workloads/pipeline.ts";
import { idOf, startRequest } from "../workloads/records.ts";

const [directory, seconds] = process.argv.slice(2);

/** Ms between measurements of the event loop's delay. */
const TICK_MS = 1;

const begun = performance.now();
const gaps: number[] = [];
let longestBusyMs = 0;
let last = begun;
let lastCpu = process.cpuUsage();
const ticks = setInterval(() => {
  const now = performance.now();
  const { user, system } = process.cpuUsage(lastCpu);
  gaps.push(now - last - TICK_MS);
  longestBusyMs = Math.max(longestBusyMs, Math.min(now - last, (user + system) / 1_000));
  last = now;
  lastCpu = process.cpuUsage();
}, TICK_MS);
const pipeline = benchPipeline(directory, { onEvent: () => {} });
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
gaps.sort((a, b) => b - a);
console.log(JSON.stringify({
  longestGapMs: gaps[0],
  longestBusyMs,
  gap999Ms: gaps[Math.floor(gaps.length / 1_000)],
  pendingRecords,
  reports,
}));
