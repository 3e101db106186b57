/**
 * One `test()` for three runtimes: `Deno.test` with its sanitizers on Deno, `node:test`
 * on Bun, and this project's own runner on Node. Tests are flat (Bun does not count
 * subtests), and each has a time limit.
 *
 * If the environment variable `WEAVE_WAL_TEST_NAME` is set, only tests whose title
 * contains its value run; `npm run test:node -- <file> --name <text>` sets it.
 *
 * @module
 */

import process from "node:process";
import { registerTest } from "./support/processes/node_runner.ts";

/** Options of a test. */
export interface TestOptions {
  /** Time limit in ms (default: 30,000). */
  timeout?: number;
  /** Why the test cannot run on this machine; skips the test. */
  skip?: string | false;
}

interface DenoTestSlice {
  test(definition: {
    name: string;
    fn: () => Promise<void>;
    ignore: boolean;
    sanitizeOps: boolean;
    sanitizeResources: boolean;
  }): void;
}

const { Deno: deno, Bun: bun } = globalThis as { Deno?: DenoTestSlice; Bun?: unknown };
const bunTest = bun ? (await import("node:test")).test : undefined;

const wanted = process.env.WEAVE_WAL_TEST_NAME;

/** Registers a test with the runtime's own test runner. */
export function test(
  name: string,
  body: () => void | Promise<void>,
  options: TestOptions = {},
): void {
  if (wanted !== undefined && !name.includes(wanted)) return;
  // Not every runner prints the reason. The summary of the whole run parses this line.
  if (options.skip) console.log(`SKIPPED: ${name}: ${options.skip}`);
  const limit = options.timeout ?? 30_000;
  const fn = () => withLimit(name, limit, body);
  if (deno) {
    deno.test({ name, fn, ignore: !!options.skip, sanitizeOps: true, sanitizeResources: true });
  } else if (bunTest) {
    bunTest(name, { skip: options.skip || false, timeout: limit + 5_000 }, fn);
  } else {
    registerTest(name, fn, options.skip || false);
  }
}

async function withLimit(name: string, ms: number, body: () => void | Promise<void>) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Test ran over ${ms} ms: ${name}`)), ms);
  });
  try {
    await Promise.race([body(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
