import assert from "node:assert/strict";
import { CallMemory, type OpenCall } from "../../../src/relay/log/call_memory.ts";
import { test } from "../../harness.ts";

const DAY_MS = 86_400_000;
/** The limit of calls, of all projects. */
const MOST = 100_000;

const CALL: OpenCall = { traceId: '"t"', startedAt: '"2026-01-01T00:00:00Z"' };

function scene() {
  const clock = { now: 5_000, monotonic: () => clock.now };
  return { clock, memory: new CallMemory(clock) };
}

test("relay: calls in memory are those of their project, until they end", () => {
  const { memory } = scene();
  const one = memory.of("team/one"), two = memory.of("team/two");
  one.started("a", CALL);
  assert.deepEqual([one.open("a"), two.open("a"), one.open("b")], [CALL, undefined, undefined]);
  two.ended("a");
  assert.deepEqual(memory.of("team/one").open("a"), CALL, "as for a log that is opened again");
  one.ended("a");
  assert.deepEqual([one.open("a"), memory.size], [undefined, 0]);
});

for (const projects of [1, 3, 1_000]) {
  test(`relay: calls that never end, in ${projects} projects, are limited in number`, () => {
    const { memory } = scene();
    const project = (i: number) => memory.of(`team/${i % projects}`);
    for (let i = 0; i < MOST + 500; i++) project(i).started(`${i}`, CALL);
    assert.equal(memory.size, MOST);
    assert.equal(project(499).open("499"), undefined);
    assert.deepEqual(project(500).open("500"), CALL);
    assert.deepEqual(project(MOST + 499).open(`${MOST + 499}`), CALL);
  });
}

for (const way of ["at the next start", "without another start"]) {
  test(`relay: calls that do not end within a day are forgotten, ${way}`, () => {
    const { clock, memory } = scene();
    const calls = memory.of("team/one");
    calls.started("old", CALL);
    calls.started("again", CALL);
    clock.now += DAY_MS / 2;
    calls.started("young", CALL);
    calls.started("again", CALL);
    clock.now += DAY_MS / 2 - 1;
    memory.trim();
    assert.equal(memory.size, 3);
    clock.now += 1;
    if (way === "at the next start") memory.of("team/two").started("next", CALL);
    else memory.trim();
    assert.deepEqual([calls.open("old"), calls.open("young"), calls.open("again")], [
      undefined,
      CALL,
      CALL,
    ]);
  });
}

test("relay: a call with fields of unusual length is not kept in memory", () => {
  const { memory } = scene();
  const calls = memory.of("team/one");
  calls.started("x".repeat(300), CALL);
  calls.started("a", { ...CALL, traceId: "x".repeat(300) });
  calls.started("b", { ...CALL, startedAt: "x".repeat(300) });
  assert.equal(memory.size, 0);
});
