import assert from "node:assert/strict";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../src/client/pipeline/events.ts";
import type { PipelineOptions } from "../../src/client/pipeline/pipeline.ts";
import { QUIET_MS, REMIND_MS, StateThrottle } from "../../src/client/pipeline/state_throttle.ts";
import { MemoryClock } from "../support/simulated_runtime/memory_clock.ts";
import { test } from "../harness.ts";
import { LogWorld } from "../support/wal/wal_fixture.ts";
import { start } from "../support/delivery/delivery_fixture.ts";

const MINUTE = 60_000;

/** What a program is told while `live` passes. */
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

const aloud = (events: readonly WalEvent[]): string[] =>
  events.filter(({ level }) => level !== "debug").map(({ name }) => name);
const called = (events: readonly WalEvent[], name: string): WalEvent[] =>
  events.filter((event) => event.name === name);

for (const wal of [true, false]) {
  const where = wal ? "on disk" : "in memory";
  test(`voice: a server that stays away is said at once and every five minutes, ${where}`, async () => {
    const events = await toldWhile(async ({ server, clock }, append) => {
      server.refuse = () => ({ status: 503, body: {} });
      append();
      await clock.elapse(1_000);
      await clock.elapse(21 * MINUTE);
    }, { wal });
    assert.deepEqual(aloud(events), Array(5).fill("server-down"));
    assert.match(called(events, "server-down")[4].message, /trying again: HTTP 503/);
  });
}

test("voice: a refused key is said at once, as an error, and every five minutes", async () => {
  const events = await toldWhile(async ({ server, clock }, append) => {
    server.refuse = () => ({ status: 401, body: {} });
    append();
    await clock.elapse(11 * MINUTE);
  });
  assert.deepEqual(aloud(events), Array(3).fill("server-blocked"));
  assert.ok(called(events, "server-blocked").every(({ level }) => level === "error"));
});

test("voice: a server that comes and goes is said twice a minute at most, every change as debug", async () => {
  let requests = 0;
  const events = await toldWhile(async ({ server, clock }, append) => {
    // Of three requests two fail: down and up again, every few seconds.
    server.refuse = () => requests++ % 3 < 2 ? { status: 503, body: {} } : null;
    for (let second = 0; second < 600; second++) {
      append();
      await clock.elapse(1_000);
    }
  }, { retryMaxMs: 500 });
  const downs = called(events, "server-down");
  assert.ok(downs.length > 100, `${downs.length} changes were told`);
  assert.equal(downs.length - called(events, "server-up").length <= 1, true);
  const said = aloud(events);
  assert.ok(said.length >= 18 && said.length <= 22, `${said.length} lines in ten minutes`);
});

test("voice: one that comes, goes and stays away is said within a minute", () => {
  const clock = new MemoryClock();
  const voice = new StateThrottle<"up" | "down" | "blocked">(clock, "up", REMIND_MS);
  assert.equal(voice.due(), false, "there is nothing to say of what works");
  assert.equal(voice.changed("up"), false);
  assert.equal(voice.changed("down"), true);
  assert.equal(voice.changed("up"), true, "who was told of the trouble is told of its end");
  clock.advance(1_000);
  assert.equal(voice.changed("down"), false);
  assert.equal(voice.due(), false);
  clock.advance(QUIET_MS - 1_001);
  assert.equal(voice.due(), false);
  clock.advance(1);
  assert.equal(voice.due(), true, "it is down, and up is the last that was said");
  assert.equal(voice.due(), false);
  clock.advance(REMIND_MS - 1);
  assert.equal(voice.due(), false);
  clock.advance(1);
  assert.equal(voice.due(), true);
  assert.equal(voice.changed("blocked"), true, "another state is news");
  assert.equal(voice.changed("up"), true);
});

test("voice: thousands of refused records are not thousands of lines", async () => {
  const events = await toldWhile(async ({ server, clock }, append) => {
    server.refuse = () => ({ status: 422, body: { detail: "no" } });
    for (let n = 0; n < 200; n++) append();
    await clock.elapse(5_000);
  });
  assert.equal(called(events, "dead-letter").length, 200, "each is told");
  assert.deepEqual(aloud(events), ["dead-letter"]);
});
