/**
 * Delivers a log to a server that only counts, and compares this with a plain `fetch`
 * loop that posts the same bytes in the same batches. CPU is that of this process,
 * without the server's. Prints one line of JSON.
 *
 * Usage: `drain.ts <server URL> <records> <directory>…`; `write_log.ts` writes a log in
 * each: one for the bodies of the plain loop, one for warming up, and the others for
 * measuring.
 *
 * @module
 */

import process from "node:process";
import { backgroundFetch } from "../../../src/client/server/host_fetch.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { OwnFetch } from "../../../src/runtime/runtime.ts";
import { median } from "../median.ts";
import { benchPipeline } from "../workloads/pipeline.ts";

const [serverUrl, count, ...directories] = process.argv.slice(2);
const RECORDS = Number(count);

/** Time and CPU of one side, ms. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/**
 * Measures `run`. Garbage of one side must not slow down the other: collector threads
 * keep running.
 */
async function measured(run: () => Promise<void>): Promise<Cost> {
  (globalThis as { gc?: () => void }).gc?.();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = process.cpuUsage();
  const from = performance.now();
  await run();
  const wall = performance.now() - from;
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / 1_000 };
}

function drain(directory: string, post: OwnFetch): Promise<Cost> {
  return measured(async () => {
    const sender = benchPipeline(directory, { serverUrl, fetch: post, useCallsComplete: false });
    const { delivered } = await sender.finish();
    if (delivered !== RECORDS) throw new Error(`Delivered ${delivered} of ${RECORDS} records`);
  });
}

const bodies: Uint8Array<ArrayBuffer>[] = [];
await drain(
  directories[0],
  (_url, init = {}) => {
    if (init.method === "POST") bodies.push((init.body as Uint8Array<ArrayBuffer>).slice());
    return Promise.resolve(new Response('{"res":[]}'));
  },
);

function bare(): Promise<Cost> {
  return measured(async () => {
    for (const body of bodies) {
      const response = await fetch(`${serverUrl}/call/upsert_batch`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
      });
      await response.text();
    }
  });
}

const bares: Cost[] = [];
const drains: Cost[] = [];
await bare();
// The library's `fetch`, which does not keep the process alive longer than the program
// wants.
const own = backgroundFetch(detectRuntime(), 2_000);
await drain(directories[1], own);
for (const directory of directories.slice(2)) {
  bares.push(await bare());
  drains.push(await drain(directory, own));
}
const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
const [bareMs, drainMs] = [bares, drains].map((costs) => median(costs.map(({ wall }) => wall)));
console.log(JSON.stringify({
  runtime: detectRuntime().name,
  recordsPerSecond: Math.round(RECORDS / drainMs * 1_000),
  megabytesPerSecond: Math.round(bytes / drainMs / 1_000),
  bareMegabytesPerSecond: Math.round(bytes / bareMs / 1_000),
  requests: bodies.length,
  ratio: median(drains.map(({ wall }, round) => bares[round].wall / wall)),
  cpuMicros: median(drains.map(({ cpu }) => cpu)) / RECORDS * 1_000,
  bareCpuMicros: median(bares.map(({ cpu }) => cpu)) / RECORDS * 1_000,
  cpuRatio: median(drains.map(({ cpu }, round) => cpu / bares[round].cpu)),
}));
