import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { startChild } from "../../support/processes/child_fixture.ts";
import { withDelivery } from "../../support/delivery/delivery_fixture.ts";
import type { FlapPlan } from "../../support/delivery/flap_child.ts";
import { test } from "../../harness.ts";
import { endRequest, isWhole, seeded, startRequest } from "../../support/kill/kill_records.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

const BATCH_BYTES = 64 * 1024;
/** Maximum number of concurrent requests of a process: four logs with four requests each. */
const MAX_CONCURRENT = 16;

/** Behavior of the server for a while. */
const MOODS = [
  "works",
  "unreachable",
  "hangs",
  "reset after the work",
  "HTTP 503",
  "HTTP 429 with Retry-After",
  "a page of HTML",
  "slow",
] as const;

/** A server whose behavior changes, and which records how it is treated meanwhile. */
class FlappingServer {
  readonly world: LogWorld;
  mood: typeof MOODS[number] = "works";
  atOnce = 0;
  mostAtOnce = 0;
  mostBytes = 0;
  /** Requests in flight that were started while it was known to be down. */
  probes = 0;
  mostProbes = 0;
  /** Times of failed requests, ms. */
  readonly failures: number[] = [];
  #down = false;
  #lessons = 0;
  #bytes = 0;

  constructor(world: LogWorld) {
    this.world = world;
  }

  readonly fetch: Fetch = async (url, init) => {
    const isProbe = this.#down;
    const bytes = (init!.body as Uint8Array | undefined)?.length ?? 0;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    this.mostBytes = Math.max(this.mostBytes, this.#bytes += bytes);
    if (isProbe) this.mostProbes = Math.max(this.mostProbes, ++this.probes);
    try {
      const response = await this.#answer(url, init!);
      this.#learn(response.status === 200 && response.headers.get("Content-Type") === null);
      return response;
    } catch (error) {
      this.#learn(false);
      throw error;
    } finally {
      this.atOnce--;
      this.#bytes -= bytes;
      if (isProbe) this.probes--;
    }
  };

  async #answer(url: string | URL | Request, init: RequestInit): Promise<Response> {
    const { clock, server } = this.world;
    switch (this.mood) {
      case "works":
        return await server.fetch(url as string, init);
      case "slow":
        await new Promise<void>((resolve) => void clock.after(1_500, resolve));
        return await server.fetch(url as string, init);
      case "hangs":
        return await new Promise((_, reject) => {
          init.signal!.addEventListener("abort", () => reject(new Error("Aborted")));
        });
      case "unreachable":
        throw new TypeError("fetch failed");
      case "reset after the work":
        await server.fetch(url as string, init);
        throw new TypeError("terminated");
      case "HTTP 503":
        return new Response("{}", { status: 503, headers: { "Content-Type": "text/plain" } });
      case "HTTP 429 with Retry-After":
        return new Response("{}", { status: 429, headers: { "Retry-After": "3" } });
      case "a page of HTML":
        return new Response("<html></html>", { headers: { "Content-Type": "text/html" } });
    }
  }

  #learn(works: boolean): void {
    const lesson = ++this.#lessons;
    if (works) this.#down = false;
    else {
      this.failures.push(this.world.clock.monotonic());
      // Requests that started before the sender could know are not probes.
      setTimeout(() => this.#down ||= lesson === this.#lessons, 0);
    }
  }
}

/** Waits until everything due now has happened, and the server has noted it. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}

for (const useCallsComplete of [true, false]) {
  const path = useCallsComplete ? "calls/complete" : "upsert_batch";
  test(`flap: an unstable server receives everything at a low rate, over ${path}`, async () => {
    const world = new LogWorld();
    world.server.limit = Infinity;
    const { clock } = world;
    const random = seeded(7);
    let calls = 0;
    const writing = world.process();
    const writers = Array.from(
      { length: 6 },
      () => openPipeline(world.options(writing, { sender: false })),
    );
    const server = new FlappingServer(world);
    const runtime = world.process();
    const pipeline = openPipeline(world.options(runtime, {
      fetch: server.fetch,
      random,
      useCallsComplete,
      retryMaxMs: 20_000,
      batchBytes: BATCH_BYTES,
    }));
    let badTimes = 0;
    for (let second = 0, until = 0; second < 240; second++) {
      if (second === until) {
        server.mood = MOODS[Math.floor(random() * MOODS.length)];
        if (server.mood !== "works" && server.mood !== "slow") badTimes++;
        until += 1 + Math.floor(random() * 20);
      }
      for (const log of [pipeline, pipeline, ...writers]) {
        const id = `c${calls++}`;
        log.append("call_start", startRequest(id, 300));
        log.append("call_end", endRequest(id, 300));
      }
      await clock.elapse(1_000, settle);
    }
    server.mood = "works";
    for (const writer of writers) await writer.finish();
    writing.exit();
    await clock.elapse(60_000, settle);
    const { pendingRecords, deadLettered, dropped } = await pipeline.stats();
    assert.deepEqual([pendingRecords, deadLettered], [0, 0]);
    assert.ok(Object.values(dropped).every((count) => count === 0));
    assert.equal((await pipeline.finish()).done, true);
    runtime.exit();

    assert.ok(badTimes >= 8 && server.failures.length >= badTimes, `${badTimes} bad times`);
    assert.equal(server.mostProbes, 1, "one request asks whether the server is back");
    assert.ok(server.mostAtOnce <= MAX_CONCURRENT, `${server.mostAtOnce} requests at once`);
    assert.ok(server.mostBytes <= 8 * BATCH_BYTES, `${server.mostBytes} bytes under way`);
    // Each time, the backoff restarts at one second, and the requests in flight fail as
    // well.
    assert.ok(
      server.failures.length <= badTimes * 8,
      `${server.failures.length} failures in ${badTimes} bad times`,
    );
    for (const from of server.failures) {
      const soon = server.failures.filter((at) => at >= from && at < from + 10_000).length;
      assert.ok(soon <= MAX_CONCURRENT, `${soon} failures in ten seconds`);
    }
    const arrived = new Map<string, { start: boolean; end: boolean }>();
    for (const { kind, value } of world.server.taken) {
      const id = value.id as string;
      const call = arrived.get(id) ?? { start: false, end: false };
      if (kind !== "call_end") call.start = isWhole(id, value.inputs);
      if (kind !== "call_start") call.end = isWhole(id, value.output);
      arrived.set(id, call);
    }
    for (let n = 0; n < calls; n++) {
      assert.deepEqual(arrived.get(`c${n}`), { start: true, end: true }, `call ${n}`);
    }
    assert.deepEqual(world.names(), []);
  }, { timeout: 120_000 });
}

const noProc = existsSync("/proc/self/status") ? false : "peak memory is read from /proc";

test("flap: records pending for an unstable server are not held in memory", async () => {
  await withDelivery({}, async ({ walDir }) => {
    const plan: FlapPlan = { walDir, megabytes: 160 };
    const child = startChild("support/delivery/flap_child.ts", JSON.stringify(plan));
    const result = JSON.parse((await child.line("result ")).slice("result ".length));
    const { code, errors } = await child.ended;
    assert.equal(code, 0, errors);
    assert.equal(result.delivered, result.appended);
    assert.ok(result.failed > 20, `${result.failed} requests failed`);
    assert.ok(result.backlogMB > 80, `${result.backlogMB} MB waited`);
    assert.ok(result.grownMB < 65, `grew by ${result.grownMB} MB`);
  });
}, { timeout: 240_000, skip: noProc });
