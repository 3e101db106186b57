/**
 * Draining a log into a server that only counts, against a bare `fetch` loop that posts the same
 * bytes in the same batches. Prints one line of JSON.
 *
 * Usage: `drain.ts <server URL> [records] [rounds]`
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { detectRuntime } from "../../src/runtime/host.ts";
import { median } from "./median.ts";
import { benchPipeline, idOf, startRequest } from "./pipeline.ts";

const [serverUrl, count = "200000", rounds = "5"] = process.argv.slice(2);
const RECORDS = Number(count);
const ROUNDS = Number(rounds);
const directory = mkdtempSync(join(tmpdir(), "weave-wal-drain-"));

async function writeLog(): Promise<void> {
  const log = benchPipeline(directory, { sender: false, fsync: "never", serverUrl });
  for (let i = 0; i < RECORDS; i++) {
    log.append("call_start", JSON.stringify(startRequest(idOf(i))));
  }
  await log.finish();
}

async function drain(post: typeof fetch): Promise<number> {
  await writeLog();
  const from = performance.now();
  const sender = benchPipeline(directory, { serverUrl, fetch: post, useCallsComplete: false });
  const { delivered } = await sender.finish();
  if (delivered !== RECORDS) throw new Error(`Delivered ${delivered} of ${RECORDS} records`);
  return performance.now() - from;
}

const bodies: Uint8Array<ArrayBuffer>[] = [];
await drain(
  ((_url: string, init: RequestInit) => {
    bodies.push(init.body as Uint8Array<ArrayBuffer>);
    return Promise.resolve(new Response('{"res":[]}'));
  }) as typeof fetch,
);

async function bare(): Promise<number> {
  const from = performance.now();
  for (const body of bodies) {
    const response = await fetch(`${serverUrl}/call/upsert_batch`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    await response.text();
  }
  return performance.now() - from;
}

const bares: number[] = [];
const drains: number[] = [];
await bare();
await drain(globalThis.fetch);
for (let round = 0; round < ROUNDS; round++) {
  bares.push(await bare());
  drains.push(await drain(globalThis.fetch));
}
const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
const [bareMs, drainMs] = [median(bares), median(drains)];
console.log(JSON.stringify({
  runtime: detectRuntime().name,
  recordsPerSecond: Math.round(RECORDS / drainMs * 1_000),
  megabytesPerSecond: Math.round(bytes / drainMs / 1_000),
  bareMegabytesPerSecond: Math.round(bytes / bareMs / 1_000),
  requests: bodies.length,
  ratio: bareMs / drainMs,
}));
rmSync(directory, { recursive: true, force: true });
