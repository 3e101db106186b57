import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { backoff, retryAfter } from "../../../src/delivery/http/backoff.ts";
import { BLOCKED_PROBE_MS } from "../../../src/delivery/http/circuit_breaker.ts";
import { basicAuth } from "../../../src/delivery/http/transport.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { seeded } from "../../support/kill/kill_records.ts";
import { appendCalls, start } from "../../support/delivery/delivery_fixture.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

test("backoff: random below a limit that doubles from one second to the maximum", () => {
  const limits = Array.from({ length: 12 }, (_, failures) => backoff(failures, 300_000, () => 1));
  assert.deepEqual(limits.slice(0, 4), [1_000, 2_000, 4_000, 8_000]);
  assert.deepEqual(limits.slice(8), [256_000, 300_000, 300_000, 300_000]);
  assert.equal(backoff(1e9, 300_000, () => 1), 300_000);
  assert.equal(backoff(5, 300_000, () => 0), 0, "the jitter is full");
  assert.equal(backoff(5, 300_000, () => 0.25), 8_000);
  assert.equal(backoff(5, 1_500, () => 0.5), 750);
});

test("backoff: Retry-After is parsed as seconds or a date, at most an hour", () => {
  const read = (header: string | null) => retryAfter(header, NOW);
  assert.equal(read("7"), 7_000);
  assert.equal(read(" 0 "), 0);
  assert.equal(read("1.5"), 1_500);
  assert.equal(read("Thu, 01 Jan 2026 00:01:30 GMT"), 90_000);
  assert.equal(read("Wed, 31 Dec 2025 23:00:00 GMT"), 0, "a date that has passed");
  assert.equal(read("86400"), HOUR);
  assert.equal(read("Fri, 02 Jan 2026 00:00:00 GMT"), HOUR);
  for (const nonsense of [null, "", "soon", "-", "1 minute"]) {
    assert.equal(read(nonsense), undefined, `${nonsense}`);
  }
});

/**
 * A program with five calls to deliver, on a virtual clock; resolves with the times of
 * its writes in ms, and of its health checks.
 *
 * @param answer The server's response to the n-th write; `null` accepts it. @param health
 * The server's response to the n-th health check; `null` means healthy.
 */
async function requestTimes(
  ms: number,
  answer: (request: number) => Response | Error | null,
  changes: Partial<PipelineOptions> = {},
  health: (check: number) => Response | Error | null = () => null,
): Promise<{ writes: number[]; checks: number[] }> {
  const world = new LogWorld();
  const runtime = world.process();
  const writes: number[] = [], checks: number[] = [];
  const fetch = ((url, init) => {
    const times = url.endsWith("/health") ? checks : writes;
    times.push(world.clock.monotonic());
    const response = (times === checks ? health : answer)(times.length - 1);
    if (response instanceof Error) return Promise.reject(response);
    return response === null ? world.server.fetch(url, init) : Promise.resolve(response);
  }) as Fetch;
  const pipeline = openPipeline(world.options(runtime, {
    fetch,
    lingerMs: 0,
    retryMaxMs: 300_000,
    ...changes,
  }));
  appendCalls(pipeline, "a", 5);
  await world.clock.elapse(ms);
  const seen = { writes: [...writes], checks: [...checks] };
  const finishing = pipeline.finish({ timeout: 0 });
  await world.clock.elapse(0);
  const { deadLettered } = await finishing;
  assert.equal(deadLettered, 0);
  runtime.exit();
  return seen;
}

function says(status: number, retryAfter?: string): Response {
  return new Response("{}", {
    status,
    headers: retryAfter === undefined ? {} : { "Retry-After": retryAfter },
  });
}

const gaps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => time - times[index]);

for (const status of [408, 425, 429, 500, 502, 503, 504]) {
  test(`backoff: Retry-After with HTTP ${status} is honored, as seconds and as a date`, async () => {
    // Without a backoff of its own, the sender waits as long as the server requested.
    const later = new Date(NOW + 60_000).toUTCString();
    const answers = [says(status, "7"), says(status, later), says(status, "86400")];
    const { writes } = await requestTimes(2 * HOUR, (request) => answers[request] ?? null);
    assert.deepEqual(gaps(writes), [7_000, 60_000 - 7_000, HOUR]);
  });
}

test("backoff: a server that cannot be reached is checked without end, at least every 30 seconds", async () => {
  const away = new TypeError("fetch failed");
  const { writes, checks } = await requestTimes(
    3 * HOUR,
    () => away,
    { random: () => 0.999_999 },
    () => away,
  );
  const between = gaps(checks).map((gap) => Math.round(gap / 1_000));
  assert.deepEqual(between.slice(0, 6), [1, 2, 4, 8, 16, 30]);
  assert.deepEqual([...new Set(between.slice(6))], [30]);
  assert.equal(writes.length, 0, "no batch is sent to a server that does not respond");
});

/** Ms from the end of an outage to the first write of a program with data to send. */
async function returnTime(awayMs: number, seed: number, outage: () => Response | Error) {
  const world = new LogWorld();
  const runtime = world.process();
  let first: number | null = null;
  let isBack = false;
  const fetch = ((url, init) => {
    if (!isBack) {
      const response = outage();
      return response instanceof Error ? Promise.reject(response) : Promise.resolve(response);
    }
    if (!url.endsWith("/health")) first ??= world.clock.monotonic();
    return world.server.fetch(url, init);
  }) as Fetch;
  const random = seeded(seed);
  const pipeline = openPipeline(world.options(runtime, { fetch, random, retryMaxMs: 300_000 }));
  appendCalls(pipeline, "a", 5);
  await world.clock.elapse(awayMs);
  isBack = true;
  const back = world.clock.monotonic();
  await world.clock.elapse(31_000);
  assert.ok(first !== null, `nothing was sent to a server that is back after ${awayMs} ms`);
  const finishing = pipeline.finish();
  await world.clock.elapse(1_000);
  assert.deepEqual((await finishing).deadLettered, 0);
  runtime.exit();
  return first - back;
}

const OUTAGES: Record<string, () => Response | Error> = {
  "refuses connections": () => new TypeError("fetch failed"),
  "answers 503 to everything": () => says(503),
  "answers 500 to everything": () => says(500),
};

for (const [what, outage] of Object.entries(OUTAGES)) {
  test(`backoff: a server that ${what} gets data within 30 s after it recovers, from many programs at different times`, async () => {
    const times: number[] = [];
    for (const awayMs of [5_000, 70_000, 10 * 60_000]) {
      for (let seed = 1; seed <= 16; seed++) times.push(await returnTime(awayMs, seed, outage));
    }
    assert.ok(times.every((ms) => ms <= 30_000), `${times}`);
    // Programs that waited for minutes return spread over at least ten seconds.
    const late = times.slice(-16);
    assert.ok(Math.max(...late) - Math.min(...late) > 10_000, `${late}`);
  });
}

test("backoff: attempts of many programs are spread over time", async () => {
  const seeds = [0.1, 0.35, 0.6, 0.85];
  const firsts = await Promise.all(
    seeds.map((seed) => requestTimes(5_000, () => says(503), { random: () => seed })),
  );
  const seconds = firsts.map(({ writes: [first, second] }) => Math.round(second - first));
  assert.deepEqual(seconds, [100, 350, 600, 850]);
});

test("backoff: a blocked server is probed slowly by one request, and gets everything once it accepts that", async () => {
  const { writes } = await requestTimes(
    10 * 60_000,
    (request) => request < 8 ? says(request % 2 === 0 ? 401 : 403) : null,
    { random: () => 0 },
  );
  assert.equal(writes.length, 9, "eight probes, then all that waited");
  assert.ok(gaps(writes).every((gap) => gap >= BLOCKED_PROBE_MS), `${gaps(writes)}`);
});

test("backoff: records of a program with an invalid key are delivered by one with a valid key", async () => {
  const world = new LogWorld();
  let keyOfServer = "good-key";
  let refused = 0;
  const fetch = ((url, init) => {
    const { Authorization } = init!.headers as Record<string, string>;
    if (url.endsWith("/health") || Authorization === basicAuth(keyOfServer)) {
      return world.server.fetch(url, init);
    }
    refused++;
    return Promise.resolve(says(401));
  }) as Fetch;
  const open = (apiKey: string, name: string) => {
    const runtime = world.process();
    const pipeline = openPipeline(world.options(runtime, {
      fetch,
      apiKey,
      retryMaxMs: 300_000,
      lingerMs: 0,
    }));
    pipeline.append("call_start", start(name));
    return { runtime, pipeline };
  };
  const bad = open("bad-key", "first");
  await world.clock.elapse(60_000);
  assert.equal((await bad.pipeline.stats()).server.state, "blocked");
  assert.ok(refused >= 2 && refused <= 5, `${refused} probes in a minute`);
  const good = open("good-key", "second");
  await world.clock.elapse(5_000);
  assert.deepEqual(world.server.taken.map(({ value }) => value.id), ["second"]);
  bad.runtime.kill();
  await world.clock.elapse(30_000);
  assert.deepEqual(world.server.taken.map(({ value }) => value.id), ["second", "first"]);
  // The account's keys are changed while a program runs, and changed back.
  keyOfServer = "other-key";
  good.pipeline.append("call_start", start("third"));
  await world.clock.elapse(60_000);
  assert.equal((await good.pipeline.stats()).server.state, "blocked");
  keyOfServer = "good-key";
  await world.clock.elapse(BLOCKED_PROBE_MS);
  const { server, deadLettered, pendingRecords } = await good.pipeline.stats();
  assert.deepEqual([server.state, deadLettered, pendingRecords], ["up", 0, 0]);
  await good.pipeline.finish();
  good.runtime.exit();
});
