/**
 * Compares an append with `JSON.stringify` plus one plain write of the same bytes, and
 * with other ways of storing a record. Prints one line of JSON: the median time (µs) of
 * each way.
 *
 * Usage: `append.ts [ms for each way] [bytes of a record]`
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { median } from "../median.ts";
import { openRivals, type Way } from "./append_rivals.ts";
import { benchPipeline } from "../workloads/pipeline.ts";
import { idOf, requestOfSize } from "../workloads/records.ts";

/** Bytes per round. The ways alternate, so that other load affects all of them. */
const BYTES_PER_TURN = 600_000;
const [time = "1500", bytes = "600"] = process.argv.slice(2);
const perTurn = Math.max(20, Math.min(1_000, Math.round(BYTES_PER_TURN / Number(bytes))));
const directory = mkdtempSync(join(tmpdir(), "weave-wal-append-"));
const runtime = detectRuntime();
const requests = Array.from(
  { length: perTurn },
  (_, index) => requestOfSize(idOf(index), Number(bytes)),
);

const floor = runtime.files.openAppend(join(directory, "floor.jsonl"));
const pipelines = (["interval", "never"] as const).map((fsync) =>
  benchPipeline(join(directory, fsync), { fsync, sender: false, segmentBytes: 2 ** 40 })
);
const [interval, never] = pipelines;
const ways: readonly Way[] = [
  {
    name: "floor",
    append: (request) => {
      floor.write(`{"type":"call_end","req":${JSON.stringify(request)}}\n`);
    },
    close: () => floor.close(),
  },
  {
    name: "log",
    append: (request) => interval.append("call_end", JSON.stringify(request)),
    close: () => interval.finish(),
  },
  {
    name: "logWithoutSync",
    append: (request) => never.append("call_end", JSON.stringify(request)),
    close: () => never.finish(),
  },
  ...await openRivals(directory),
];
const micros = new Map<string, number[]>(ways.map(({ name }) => [name, []]));

async function takeTurns(ms: number): Promise<void> {
  const end = performance.now() + ms * ways.length;
  for (let turn = 0; performance.now() < end; turn++) {
    for (let i = 0; i < ways.length; i++) {
      const { name, append } = ways[(turn + i) % ways.length];
      // Lets pending data syncs complete between rounds, as in any program.
      await new Promise((resolve) => setTimeout(resolve));
      const from = performance.now();
      for (const request of requests) append(request);
      micros.get(name)!.push((performance.now() - from) * 1_000 / perTurn);
    }
  }
}

await takeTurns(Number(time) / 3);
for (const times of micros.values()) times.length = 0;
await takeTurns(Number(time));

console.log(JSON.stringify(
  Object.fromEntries([...micros].map(([name, times]) => [name, median(times)])),
));
for (const { close } of ways) await close();
rmSync(directory, { recursive: true, force: true });
