/**
 * One `test()` for three runtimes: `Deno.test` with its sanitizers on Deno, `node:test` on Bun and
 * Node. Tests are flat (Bun does not count subtests) and each has a time limit.
 *
 * @module
 */

/** What a test may say of itself. */
export interface TestOptions {
  /** Ms after which the test fails; 30 s unless told. */
  timeout?: number;
  /** Why the test does not apply on this machine; a reason skips it. */
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

const deno = (globalThis as { Deno?: DenoTestSlice }).Deno;
const nodeTest = deno ? undefined : (await import("node:test")).test;

/** Registers a test under the host's own runner. */
export function test(
  name: string,
  body: () => void | Promise<void>,
  options: TestOptions = {},
): void {
  // Not every runner tells why; the summary of all runs is made from this.
  if (options.skip) console.log(`SKIPPED: ${name}: ${options.skip}`);
  const limit = options.timeout ?? 30_000;
  const fn = () => withLimit(name, limit, body);
  if (deno) {
    deno.test({ name, fn, ignore: !!options.skip, sanitizeOps: true, sanitizeResources: true });
  } else {
    nodeTest!(name, { skip: options.skip || false, timeout: limit + 5_000 }, fn);
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
