/**
 * Parsing of the test reports of the runtimes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readCounts } from "../../../scripts/test/runners.ts";
import { test } from "../../harness.ts";

test("Deno's report is read, also when a test printed one like it", () => {
  const output = "ok | 9 passed | 9 failed (1ms)\nx ... ok (2ms)\n\n" +
    "FAILED | 31 passed | 2 failed | 1 ignored (1s)\n\nerror: Test failed\n";
  assert.deepEqual(readCounts("deno", output), { passed: 31, failed: 2, skipped: 1 });
  assert.deepEqual(readCounts("deno", "ok | 12 passed | 0 failed (8ms)\n"), {
    passed: 12,
    failed: 0,
    skipped: 0,
  });
});

test("Bun's report is read, an error between tests counts once", () => {
  const output =
    "(pass) a [1ms]\n\n 4 pass\n 1 skip\n 2 fail\n 1 error\nRan 7 tests across 1 file.\n";
  assert.deepEqual(readCounts("bun", output), { passed: 4, failed: 2, skipped: 1 });
  assert.deepEqual(readCounts("bun", "\n 0 pass\n 0 fail\n"), {
    passed: 0,
    failed: 0,
    skipped: 0,
  });
});

test("Node's report is read, cancelled tests count as failed", () => {
  const lines = ["tests 7", "suites 0", "pass 3", "fail 1", "cancelled 2", "skipped 1", "todo 0"];
  const output = `✔ a (1ms)\n${lines.map((line) => `ℹ ${line}\n`).join("")}ℹ duration_ms 7.7\n`;
  assert.deepEqual(readCounts("node", output), { passed: 3, failed: 3, skipped: 1 });
});

test("a runner that crashed has no counts", () => {
  for (const runtime of ["deno", "bun", "node"] as const) {
    assert.equal(readCounts(runtime, "Segmentation fault\n"), undefined);
  }
});
