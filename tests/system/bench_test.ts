import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Line } from "../../scripts/bench/measure.ts";
import { MEASURES } from "../../scripts/bench/measures.ts";
import { table } from "../../scripts/bench/table.ts";
import { run } from "../../scripts/test/process.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { test } from "../harness.ts";

const bench = (...args: string[]) =>
  run("node", ["--import", "tsx", "scripts/bench.ts", ...args], { limitMs: 100_000 });

test("bench: the runner measures an append on this runtime and leaves nothing behind", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "weave-wal-bench-test-"));
  try {
    const runtime = detectRuntime().name;
    const { status, output } = await run(
      "node",
      [
        ...["--import", "tsx", "scripts/bench.ts"],
        ...["--quick", "--json", "--only", "append", "--runtime", runtime],
      ],
      { env: { TMPDIR: temporary }, limitMs: 100_000 },
    );
    assert.equal(status, 0, output);
    const { lines, load, quick } = JSON.parse(output.slice(output.indexOf("{")));
    assert.equal(quick, true);
    assert.ok(load.cores > 0);
    const sizes = lines.filter(({ unit }: Line) => unit === "× plain write");
    assert.equal(sizes.length, 4, "a line for each size of a record");
    assert.ok(lines.some(({ unit }: Line) => unit === "× pino"));
    for (const { runtime: measuredOn, value, goal, met } of lines as Line[]) {
      assert.equal(measuredOn, runtime);
      assert.ok(value > 0);
      assert.equal(met, goal.is === "at most" ? value <= goal.bound : value < goal.bound);
    }
    // tsx keeps its cache there.
    assert.deepEqual(readdirSync(temporary).filter((name) => name.startsWith("weave-wal")), []);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}, { timeout: 120_000 });

test("bench: unknown arguments are refused, and help lists every measure", async () => {
  const wrong = await bench("--only", "speed");
  assert.equal(wrong.status, 2);
  assert.match(wrong.output, /Cannot use --only speed/);
  const unknown = await bench("--fast");
  assert.equal(unknown.status, 2);
  const help = await bench("--help");
  assert.equal(help.status, 0);
  for (const name of Object.keys(MEASURES)) {
    assert.match(help.output, new RegExp(`^  ${name} `, "m"));
  }
}, { timeout: 60_000 });

test("bench: the table shows the result, the goal and whether it is met", () => {
  const line: Line = {
    measure: "append",
    runtime: "node",
    seen: "5 µs a record",
    value: 1.1,
    unit: "× floor",
    goal: { is: "at most", bound: 1.3 },
    met: true,
  };
  const text = table([line, { ...line, runtime: "bun", value: 1.5, met: false }]);
  assert.match(text, /append +node +1\.10 × floor +at most 1\.30 +pass +5 µs a record/);
  assert.match(text, /append +bun +1\.50 × floor +at most 1\.30 +MISS/);
});
