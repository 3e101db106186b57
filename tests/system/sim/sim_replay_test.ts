import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { sim, type SimRuntime } from "../../sim/child.ts";

const traceOf = (output: string) => /trace ([0-9a-f]+)/.exec(output)?.[1];

/**
 * JavaScriptCore and V8 may run two callbacks that are due at the same time in a
 * different order. Both orders are correct, but their traces differ.
 */
test("simulation: a seed has one trace on each engine, whenever and wherever it runs", async () => {
  const args = ["--seed", "40", "--runs", "10"];
  const tracesOf = async (...runtimes: (SimRuntime | undefined)[]) => {
    const outputs: string[] = [];
    for (const runtime of runtimes) outputs.push((await sim(args, runtime)).output);
    return { outputs, traces: outputs.map(traceOf) };
  };
  for (
    const { outputs, traces } of [
      await tracesOf(undefined, undefined),
      await tracesOf("deno", "node"),
    ]
  ) {
    assert.ok(traces[0] !== undefined, outputs[0]);
    assert.equal(traces[0], traces[1], outputs.join("\n"));
  }
}, { timeout: 120_000 });

test("simulation: another seed has another trace", async () => {
  const one = await sim(["--seed", "40", "--runs", "1"]);
  const other = await sim(["--seed", "41", "--runs", "1"]);
  assert.notEqual(traceOf(one.output), traceOf(other.output));
}, { timeout: 120_000 });

test("simulation: a failure names its seed, how to replay it, and its shortest form", async () => {
  const { code, output } = await sim(["--bug", "outage-acked", "--runs", "100"]);
  assert.equal(code, 1);
  assert.match(output, /^FAILED seed \d+\n {2}(checkpoint|removed): /);
  const [, left, all] = /shortest form, (\d+) of (\d+) steps:/.exec(output)!.map(Number);
  assert.ok(left < all, output);
  const replays = [...output.matchAll(/^replay: npm run sim -- (.+)$/gm)].map(([, line]) => line);
  assert.equal(replays.length, 2);
  for (const line of replays) {
    const again = await sim(line.split(" "));
    assert.equal(again.code, 1, line);
    assert.match(again.output, /(checkpoint|removed): /);
  }
}, { timeout: 120_000 });
