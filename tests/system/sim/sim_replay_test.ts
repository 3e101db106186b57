import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { sim } from "../../sim/child.ts";

const traceOf = (output: string) => /trace ([0-9a-f]+)/.exec(output)?.[1];

test("simulation: a seed has one trace, whenever and wherever it runs", async () => {
  const args = ["--seed", "40", "--runs", "25"];
  const runs = [
    await sim(args),
    await sim(args, "deno"),
    await sim(args, "bun"),
    await sim(args, "node"),
  ];
  const traces = runs.map(({ output }) => traceOf(output));
  assert.ok(traces[0] !== undefined, runs[0].output);
  assert.deepEqual(
    traces,
    traces.map(() => traces[0]),
    runs.map(({ output }) => output).join("\n"),
  );
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
