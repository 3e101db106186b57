/**
 * Compares an append with `JSON.stringify` plus one plain write of the same bytes. Prints one line of JSON.
 *
 * Usage: `append.ts [ms for each]`
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { median } from "../median.ts";
import { benchPipeline, idOf, startRequest } from "./pipeline.ts";

/** Records per round. The three ways alternate, so that other load affects all of them. */
const PER_TURN = 1_000;
const [time = "1500"] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "weave-wal-append-"));
const runtime = detectRuntime();
const requests = Array.from({ length: PER_TURN }, (_, index) => startRequest(idOf(index)));

const floor = runtime.files.openAppend(join(directory, "floor.jsonl"));
const [interval, never] = (["interval", "never"] as const).map((fsync) =>
  benchPipeline(join(directory, fsync), { fsync, sender: false, segmentBytes: 2 ** 40 })
);
const ways: { append: (request: unknown) => void; micros: number[] }[] = [
  {
    append: (request) => {
      floor.write(`{"type":"call_start","req":${JSON.stringify(request)}}\n`);
    },
    micros: [],
  },
  ...[interval, never].map((pipeline) => ({
    append: (request: unknown) => pipeline.append("call_start", JSON.stringify(request)),
    micros: [],
  })),
];

async function takeTurns(ms: number): Promise<void> {
  const end = performance.now() + ms * ways.length;
  for (let turn = 0; performance.now() < end; turn++) {
    for (let i = 0; i < ways.length; i++) {
      const { append, micros } = ways[(turn + i) % ways.length];
      // Pending data syncs may complete between rounds, as in any program.
      await new Promise((resolve) => setTimeout(resolve));
      const from = performance.now();
      for (const request of requests) append(request);
      micros.push((performance.now() - from) * 1_000 / PER_TURN);
    }
  }
}

await takeTurns(Number(time) / 3);
for (const { micros } of ways) micros.length = 0;
await takeTurns(Number(time));

const [floorMicros, appendMicros, appendNeverMicros] = ways.map(({ micros }) => median(micros));
console.log(JSON.stringify({
  runtime: runtime.name,
  floorMicros,
  appendMicros,
  appendNeverMicros,
  ratio: appendMicros / floorMicros,
}));
floor.close();
await Promise.all([interval.finish(), never.finish()]);
rmSync(directory, { recursive: true, force: true });
