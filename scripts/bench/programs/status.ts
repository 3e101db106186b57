/**
 * Runs `weave-wal status` in this process, and measures when its first line is written, when it
 * ends, and its peak memory. Prints one line of JSON.
 *
 * Usage: `status.ts <directory>`
 *
 * @module
 */

import process from "node:process";
import { createColors } from "picocolors";
import { runCommand } from "../../../src/cli/program.ts";
import type { Output } from "../../../src/cli/terminal/terminal.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

const MB = 1e6;
const [directory] = process.argv.slice(2);

let peak = 0;
const look = (): number => peak = Math.max(peak, process.memoryUsage().rss);
const timer = setInterval(look, 5);
const begun = performance.now();
let firstLineMs = Infinity;
const output = {
  isTerminal: false,
  columns: undefined,
  rows: undefined,
  colors: createColors(false),
  write() {
    firstLineMs = Math.min(firstLineMs, performance.now() - begun);
    return Promise.resolve();
  },
} as unknown as Output;
const before = process.cpuUsage();
const code = await runCommand(["status", "--dir", directory], {
  runtime: detectRuntime(),
  terminal: { out: output, err: output, ask: () => Promise.resolve(null) },
  stop: new AbortController().signal,
});
const { user, system } = process.cpuUsage(before);
clearInterval(timer);
look();
if (code !== 0) throw new Error(`status ended with ${code}`);
console.log(JSON.stringify({
  firstLineMs,
  totalMs: performance.now() - begun,
  cpuMs: (user + system) / 1_000,
  peakMB: peak / MB,
}));
