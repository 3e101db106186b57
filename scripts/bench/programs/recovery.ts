/**
 * Opens a client in a directory with orphaned segments, and measures how the recovery
 * affects the host. Prints one line of JSON.
 *
 * Usage: `recovery.ts <built mod.js> <server URL> <directory> <processes>`;
 * `write_orphans.ts` creates the directory.
 *
 * @module
 */

import process from "node:process";
import { setInterval } from "node:timers";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type * as Package from "../../../mod.ts";

const [module, serverUrl, directory, processes] = process.argv.slice(2);
/** Records of the dead processes, and the start and the end of the traced call. */
const RECORDS = 6 * Number(processes) + 2;

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

const { init, op } = await import(module) as typeof Package;
const answer = op(function answer(question: string) {
  return { question, answer: 42 };
});
await fetch(serverUrl); // Resets the counters of the server.
const begun = performance.now();
const client = await init("bench/bench", {
  serverUrl,
  apiKey: "bench",
  wal: true,
  walDir: directory,
  runtime: { ...host, files },
  useCallsComplete: false,
  printCallLink: false,
  logLevel: "error",
});
const opened = performance.now();
answer("What is written before it is sent?");
const called = performance.now();
const gaps: number[] = [];
let last = called;
const ticks = setInterval(() => {
  const now = performance.now();
  gaps.push(now - last - TICK_MS);
  last = now;
}, TICK_MS);
const { delivered } = await client.flush();
const done = performance.now();
clearInterval(ticks);
if (delivered < RECORDS) throw new Error(`Delivered ${delivered} of ${RECORDS} records`);
const { requests } = await (await fetch(serverUrl)).json() as { requests: number };
await client.finish();
gaps.sort((a, b) => b - a);
console.log(JSON.stringify({
  initMs: opened - begun,
  firstCallMs: called - opened,
  totalMs: done - begun,
  longestGapMs: gaps[0],
  gap999Ms: gaps[Math.floor(gaps.length / 1_000)],
  requests,
  operations,
}));
