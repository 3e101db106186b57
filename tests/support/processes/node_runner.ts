/**
 * Runs the tests of one file on Node sequentially, and ends the process. `node:test`
 * tracks every promise of a test with async hooks, which takes half of the simulations'
 * time. The output has the format of `node:test`.
 *
 * @module
 */

import { AsyncResource } from "node:async_hooks";
import process from "node:process";
import { inspect } from "node:util";

interface RegisteredTest {
  readonly name: string;
  readonly body: () => Promise<void>;
  readonly skip: string | false;
}

const queue: RegisteredTest[] = [];
const counts = { pass: 0, fail: 0, skipped: 0 };
let isScheduled = false;
/** Errors that were uncaught during a test, or outside of all tests. */
let uncaught: unknown[] = [];

/** Registers a test. The tests start once the file has registered them all. */
export function registerTest(name: string, body: () => Promise<void>, skip: string | false): void {
  queue.push({ name, body, skip });
  if (isScheduled) return;
  isScheduled = true;
  // Includes unhandled rejections.
  process.on("uncaughtException", (error) => uncaught.push(error));
  setImmediate(() => void runTests());
}

async function runTests(): Promise<void> {
  const start = performance.now();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await runTest(next);
  // Work started by the last test may still fail.
  await new Promise((resolve) => setImmediate(resolve));
  for (const error of uncaught) fail("outside of the tests", error);
  const { pass, skipped } = counts;
  const report = {
    tests: pass + counts.fail + skipped,
    pass,
    fail: counts.fail,
    skipped,
    duration_ms: performance.now() - start,
  };
  for (const [name, value] of Object.entries(report)) console.log(`ℹ ${name} ${value}`);
  process.exit(counts.fail > 0 ? 1 : 0);
}

async function runTest({ name, body, skip }: RegisteredTest): Promise<void> {
  if (skip !== false) {
    counts.skipped++;
    console.log(`﹣ ${name} # ${skip}`);
    return;
  }
  const start = performance.now();
  const errors: unknown[] = [];
  try {
    // Isolates the asynchronous contexts entered by a test from the next one.
    await new AsyncResource("Test").runInAsyncScope(body);
  } catch (error) {
    errors.push(error);
  }
  // Rejections are reported once the promises of a turn have settled.
  await new Promise((resolve) => setImmediate(resolve));
  errors.push(...uncaught);
  uncaught = [];
  if (errors.length > 0) return fail(name, ...errors);
  counts.pass++;
  console.log(`✔ ${name} (${(performance.now() - start).toFixed(1)}ms)`);
}

function fail(name: string, ...errors: unknown[]): void {
  counts.fail++;
  console.log(`✖ ${name}`);
  for (const error of errors) {
    console.log(inspect(error, { depth: 5 }).replaceAll(/^/gm, "  "));
  }
}
