/**
 * Cost of an append against its floor on the same runtime: `JSON.stringify` plus one bare write of
 * the same bytes. Prints one line of JSON.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bench } from "tinybench";
import { detectRuntime } from "../../src/runtime/host.ts";
import { benchPipeline, idOf, startRequest } from "./pipeline.ts";

const PER_RUN = 2_000;
const directory = mkdtempSync(join(tmpdir(), "weave-wal-append-"));
const runtime = detectRuntime();
const requests = Array.from({ length: PER_RUN }, (_, index) => startRequest(idOf(index)));

const bench = new Bench({ time: 1_500, warmupTime: 500 });

const floor = runtime.files.openAppend(join(directory, "floor.jsonl"));
bench.add("floor", () => {
  for (let i = 0; i < PER_RUN; i++) {
    floor.write(`{"type":"call_start","req":${JSON.stringify(requests[i])}}\n`);
  }
});

for (const fsync of ["never", "interval"] as const) {
  const pipeline = benchPipeline(join(directory, fsync), { fsync, sender: false, segmentBytes: 2 ** 40 });
  bench.add(fsync, () => {
    for (let i = 0; i < PER_RUN; i++) pipeline.append("call_start", JSON.stringify(requests[i]));
  });
}

await bench.run();
const microseconds = (name: string): number =>
  (bench.getTask(name)!.result as { latency: { p50: number } }).latency.p50 * 1_000 / PER_RUN;
console.log(JSON.stringify({
  runtime: runtime.name,
  floorMicros: microseconds("floor"),
  appendMicros: microseconds("interval"),
  appendNeverMicros: microseconds("never"),
  ratio: microseconds("interval") / microseconds("floor"),
}));
floor.close();
rmSync(directory, { recursive: true, force: true });
