/**
 * Makes 5,000 traced calls a second and measures how long each takes and how long it blocks the
 * event loop. Prints one line of JSON.
 *
 * Usage: `latency.ts <seconds>`; server, key, log and whether there is a sender come from the
 * environment.
 *
 * @module
 */

import process from "node:process";
import * as weave from "../../../mod.ts";

/** Traced calls per ms. */
const CALLS_PER_MS = 5;
const [seconds] = process.argv.slice(2);
const calls = Number(seconds) * 1_000 * CALLS_PER_MS;

await weave.init("bench/bench");
const answer = weave.op((question: string) => ({ answer: question, score: 0.75 }), {
  name: "answer",
});

async function run(count: number): Promise<{ micros: number[]; gaps: number[] }> {
  const micros: number[] = [];
  const gaps: number[] = [];
  const begun = performance.now();
  let last = begun;
  while (micros.length < count) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = performance.now();
    gaps.push(now - last);
    const due = Math.min(count, Math.floor((now - begun) * CALLS_PER_MS));
    while (micros.length < due) {
      const from = performance.now();
      answer("What is written before it is sent?");
      micros.push((performance.now() - from) * 1_000);
    }
    last = performance.now();
  }
  return { micros, gaps };
}

// Runs until everything is compiled, as in a program that has run for a while.
await run(calls / 2);
const { micros, gaps } = await run(calls);
micros.sort((a, b) => a - b);
console.log(JSON.stringify({
  medianMicros: micros[micros.length >> 1],
  p999Micros: micros[Math.floor(micros.length * 0.999)],
  longestGapMs: Math.max(...gaps),
}));
process.exit(0);
