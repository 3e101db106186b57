/**
 * Runs the built command. At its end prints one line of JSON: its time, its CPU, and the
 * peak memory of the process.
 *
 * Usage: `command.ts <built main.js> <arguments of the command>`
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";

const [module, ...args] = process.argv.slice(2);
process.argv.splice(1, process.argv.length, module, ...args);
const from = performance.now();
const cpu = process.cpuUsage();
process.once("exit", () => {
  const { user, system } = process.cpuUsage(cpu);
  const ms = performance.now() - from;
  console.log(`\n${JSON.stringify({ ms, cpuMs: (user + system) / 1_000, peakMiB: peakMiB() })}`);
});
await import(module);

function peakMiB(): number {
  const [, kiB] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))!;
  return Number(kiB) / 1_024;
}
