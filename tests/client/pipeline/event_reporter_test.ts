import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import {
  QUIET_MS,
  REMIND_MS,
  StateThrottle,
} from "../../../src/client/pipeline/status/state_throttle.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { test } from "../../harness.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";
import { start } from "../../support/delivery/delivery_fixture.ts";

const MINUTE = 60_000;

/** Events that a program receives during `live`. */
async function toldWhile(
  live: (world: LogWorld, append: () => void) => Promise<void>,
  changes: Partial<PipelineOptions> = {},
): Promise<WalEvent[]> {
  const world = new LogWorld();
  world.server.limit = Infinity;
  const runtime = world.process();
  const events: WalEvent[] = [];
  const pipeline = openPipeline(world.options(runtime, {
    retryMaxMs: 300_000,
    random: () => 0.5,
    onEvent: (event) => void events.push(event),
    ...changes,
  }));
  let count = 0;
  await live(world, () => pipeline.append("call_start", start(`c${count++}`)));
  const finishing = pipeline.finish({ timeout: 0 });
  await world.clock.elapse(0);
  await finishing;
  runtime.exit();
  return events;
}

const atNormalLevel = (events: readonly WalEvent[]): string[] =>
  events.filter(({ level }) => level !== "debug").map(({ name }) => name);
const called = (events: readonly WalEvent[], name: string): WalEvent[] =>
  events.filter((event) => event.name === name);

for (const wal of [true, false]) {
  const where = wal ? "on disk" : "in memory";
  test(`event reporter: an ongoing outage is logged at once and every five minutes, ${where}`, async () => {
    const events = await toldWhile(async ({ server, clock }, append) => {
      server.refuse = () => ({ status: 503, body: {} });
      append();
      await clock.elapse(1_000);
      await clock.elapse(21 * MINUTE);
    }, { wal });
    assert.deepEqual(atNormalLevel(events), Array(5).fill("server-down"));
    const safety = wal ? "pending, safe on disk" : "in memory only, lost if this process ends";
    assert.equal(
      called(events, "server-down")[4].message,
      `team/project: cannot deliver to http://server.test, trying again: HTTP 503. 1 record is ${safety}`,
    );
  });
}

test("event reporter: a rejected key is logged at once, as an error, and every five minutes", async () => {
  const events = await toldWhile(async ({ server, clock }, append) => {
    server.refuse = () => ({ status: 401, body: {} });
    append();
    await clock.elapse(11 * MINUTE);
  });
  assert.deepEqual(atNormalLevel(events), Array(3).fill("server-blocked"));
  assert.ok(called(events, "server-blocked").every(({ level }) => level === "error"));
});

test("event reporter: an unstable server is logged at most twice a minute, every change at level debug", async () => {
  let requests = 0;
  const events = await toldWhile(async ({ server, clock }, append) => {
    // Two of three requests fail: the server goes down and up every few seconds.
    server.refuse = () => requests++ % 3 < 2 ? { status: 503, body: {} } : null;
    for (let second = 0; second < 600; second++) {
      append();
      await clock.elapse(1_000);
    }
  }, { retryMaxMs: 500 });
  const downs = called(events, "server-down");
  assert.ok(downs.length > 100, `${downs.length} changes were reported`);
  assert.equal(downs.length - called(events, "server-up").length <= 1, true);
  const logged = atNormalLevel(events);
  assert.ok(logged.length >= 18 && logged.length <= 22, `${logged.length} lines in ten minutes`);
});

test("event reporter: a repeated outage is logged within a minute", () => {
  const clock = new MemoryClock();
  const throttle = new StateThrottle<"up" | "down" | "blocked">(clock, "up", REMIND_MS);
  assert.equal(throttle.due(), false, "there is nothing to say of what works");
  assert.equal(throttle.changed("up"), false);
  assert.equal(throttle.changed("down"), true);
  assert.equal(
    throttle.changed("up"),
    true,
    "a reported outage is followed by a report of its end",
  );
  clock.advance(1_000);
  assert.equal(throttle.changed("down"), false);
  assert.equal(throttle.due(), false);
  clock.advance(QUIET_MS - 1_001);
  assert.equal(throttle.due(), false);
  clock.advance(1);
  assert.equal(throttle.due(), true, "it is down, and up is the last state that was logged");
  assert.equal(throttle.due(), false);
  clock.advance(REMIND_MS - 1);
  assert.equal(throttle.due(), false);
  clock.advance(1);
  assert.equal(throttle.due(), true);
  assert.equal(throttle.changed("blocked"), true, "another state is news");
  assert.equal(throttle.changed("up"), true);
});

test("event reporter: thousands of rejected records do not produce thousands of lines", async () => {
  const events = await toldWhile(async ({ server, clock }, append) => {
    server.refuse = () => ({ status: 422, body: { detail: "no" } });
    for (let n = 0; n < 200; n++) append();
    await clock.elapse(5_000);
  });
  assert.equal(called(events, "dead-letter").length, 200, "each is reported");
  assert.deepEqual(atNormalLevel(events), ["dead-letter"]);
});
