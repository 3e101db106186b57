/**
 * A program that writes far more than its flapping server accepts, and reports its memory
 * use.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { pipelineOptions } from "./delivery_fixture.ts";
import { replyTo, withHealth } from "./fake_replies.ts";
import { startRequest } from "../kill/kill_records.ts";

/** Instructions for the child; its only argument, as JSON. */
export interface FlapPlan {
  readonly walDir: string;
  /** Total size of the records. */
  readonly megabytes: number;
}

const plan = JSON.parse(process.argv[2]) as FlapPlan;
const RECORD_BYTES = 20_000;
let requests = 0, failed = 0;
let isAway = false;

const pipeline = openPipeline(pipelineOptions(plan.walDir, "http://server.test", {
  segmentBytes: 16 * 1024 * 1024,
  // One attempt in three succeeds while the server is up.
  fetch: withHealth(async (url) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!isAway && requests++ % 3 === 2) return new Response(replyTo(url));
    failed++;
    if (failed % 2 === 0) throw new TypeError("fetch failed");
    return new Response("{}", { status: 503 });
  }),
  random: () => 0.5,
}));
let appended = 0;

async function write(megabytes: number): Promise<void> {
  const count = megabytes * 1024 * 1024 / RECORD_BYTES;
  for (let n = 0; n < count; n++) {
    const id = `c${appended++}`;
    pipeline.append("call_start", startRequest(id, RECORD_BYTES / 2));
    if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Peak memory so far, MB. */
function peakMB(): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

// Warms up code and buffers before the measurement.
await write(30);
await pipeline.flush();
const before = peakMB();
isAway = true;
await write(plan.megabytes * 3 / 4);
const { pendingBytes } = await pipeline.stats();
isAway = false;
await write(plan.megabytes / 4);
const { delivered } = await pipeline.finish();
const grownMB = Math.round(peakMB() - before);
const backlogMB = Math.round(pendingBytes / 1024 / 1024);
console.log(`result ${JSON.stringify({ appended, delivered, failed, backlogMB, grownMB })}`);
