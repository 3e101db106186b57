/**
 * Name lookups on Deno.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { denoResolve } from "../../../src/runtime/deno/deno_resolve.ts";
import type { DenoSlice } from "../../../src/runtime/deno/deno_types.ts";
import { test } from "../../harness.ts";

/** A Deno with all permissions whose name servers know `trace.test`; records what it does. */
function fakeDeno(done: string[]): DenoSlice {
  return {
    permissions: { querySync: () => ({ state: "granted", partial: false }) },
    readDir: () => {
      throw new Error("not used");
    },
    connect({ hostname, port }) {
      done.push(`connect ${hostname}:${port}`);
      return Promise.resolve({ close: () => done.push("close") });
    },
    resolveDns(name, type) {
      done.push(`${type} ${name}`);
      return Promise.resolve(type === "A" ? [] : ["fd00::1"]);
    },
  };
}

/** Runs `run` as if on another operating system. */
async function onPlatform<R>(platform: string, run: () => Promise<R>): Promise<R> {
  const own = Object.getOwnPropertyDescriptor(process, "platform")!;
  Object.defineProperty(process, "platform", { configurable: true, value: platform });
  try {
    return await run();
  } finally {
    Object.defineProperty(process, "platform", own);
  }
}

test("Deno lookup: a name that only the operating system can resolve is connected to first", async () => {
  const done: string[] = [];
  const { signal } = new AbortController();
  const lookUp = () => denoResolve(fakeDeno(done))("trace.test", 443, signal);
  assert.equal(await onPlatform("win32", lookUp), null);
  assert.deepEqual(done, ["connect trace.test:443", "close"]);
});

test("Deno lookup: addresses from name servers need no connection", async () => {
  const done: string[] = [];
  const { signal } = new AbortController();
  const lookUp = () => denoResolve(fakeDeno(done))("trace.test.", 443, signal);
  assert.deepEqual(await onPlatform("linux", lookUp), [{ address: "fd00::1", family: 6 }]);
  assert.deepEqual(done.toSorted(), ["A trace.test.", "AAAA trace.test."]);
});
