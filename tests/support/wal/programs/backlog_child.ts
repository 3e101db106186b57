/**
 * A program with few file descriptors whose server is down while it writes many segments.
 * Prints one line of JSON.
 *
 * @module
 */

import { closeSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { openPipeline } from "../../../../src/client/pipeline/create_pipeline.ts";
import { pipelineOptions } from "../../delivery/delivery_fixture.ts";

/** Task of the child; its only argument, as JSON. */
export interface BacklogPlan {
  readonly directory: string;
  readonly segments: number;
}

/** State of the log at the end. */
export interface BacklogResult {
  readonly segments: number;
  readonly log: string;
  readonly pendingRecords: number;
  readonly memoryRecords: number;
  /** Descriptors that the program could still open at the end. */
  readonly free: number;
  /** Events that report disk errors. */
  readonly troubles: readonly string[];
}

const { directory, segments } = JSON.parse(process.argv[2]) as BacklogPlan;
const troubles: string[] = [];
const pipeline = openPipeline(pipelineOptions(directory, "http://127.0.0.1:9", {
  fetch: () => Promise.reject(new TypeError("Away")),
  fsync: "never",
  segmentBytes: 200, // One record each.
  retryMaxMs: 60_000,
  onEvent: ({ name }) => void (name.startsWith("disk") ? troubles.push(name) : 0),
}));
const project = join(directory, "team", "project");
const count = (): number => readdirSync(project).filter((name) => name.endsWith(".jsonl")).length;
for (let n = 0; n < segments; n++) {
  const obj = { project_id: "team/project", object_id: `o${n}`, val: { text: "x".repeat(200) } };
  pipeline.append("obj_create", JSON.stringify({ obj }));
  // Lets the sender and the heartbeat run, as in a program that waits for something.
  if (n % 100 === 99) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}
const { log, pendingRecords, memory } = await pipeline.stats();
const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  for (const file of taken) closeSync(file);
}
const result: BacklogResult = {
  segments: count(),
  log,
  pendingRecords,
  memoryRecords: memory.records,
  free: taken.length,
  troubles,
};
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);
