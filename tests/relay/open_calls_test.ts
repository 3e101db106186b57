/**
 * Calls whose ends arrive at a different relay or log than their starts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { Clock, Runtime } from "../../src/runtime/runtime.ts";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { temporary } from "../support/cli/cli_support.ts";
import { endOf, post, PROJECT, startOf } from "../support/mock_server/mock_requests.ts";
import { startRelay, type TestRelay } from "../support/relay/relay_fixture.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";

/** Limit of a wait (ms): an end waits longer after each attempt. */
const LONG = { timeout: 60_000 };

/** A runtime whose time passes ten times as fast. */
function fastRuntime(): Runtime {
  const runtime = detectRuntime();
  const { clock } = runtime;
  const fast: Clock = {
    ...clock,
    now: () => clock.now(),
    monotonic: () => clock.monotonic() * 10,
    after: (ms, run, options) => clock.after(ms / 10, run, options),
  };
  return { ...runtime, clock: fast };
}

/** Sends one half of a call, as SDKs do that use the v1 calls API. */
async function half(relay: TestRelay, mode: "start" | "end"): Promise<number> {
  const part = mode === "start" ? startOf(ID, { trace_id: ID }) : endOf(ID);
  const { status } = await post(relay, "/call/upsert_batch", {
    batch: [{ mode, req: { [mode]: part } }],
  });
  return status;
}

/** Whether the server has the complete call. */
function isWhole({ store }: MockServer): boolean {
  const [call] = store.calls(PROJECT);
  return call !== undefined && call.started_at !== null && call.ended_at !== null;
}

test("relay: a call that began at another relay is ended", async () => {
  await using server = await startMockServer();
  await using first = await startRelay({ server: server.url });
  await using second = await startRelay({ server: server.url });
  assert.equal(await half(first, "start"), 200);
  assert.equal(await half(second, "end"), 200);
  await first.stop();
  await second.stop();
  assert.ok(isWhole(server), JSON.stringify(server.store.calls(PROJECT)));
});

test("relay: a call whose log was closed in the meantime is ended", async () => {
  await using server = await startMockServer();
  const lookUps = server.faults.add({ path: "/call/read", status: 500 });
  await using relay = await startRelay({ server: server.url, recovers: true });
  assert.equal(await half(relay, "start"), 200);
  await server.waitFor(({ counts }) => counts.callStarts === 1);
  // As after a disk failure, or ten minutes without a request.
  relay.relay.logs.retire(relay.relay.logs.opened(PROJECT)!);
  assert.equal(await half(relay, "end"), 200);
  await relay.stop();
  assert.ok(isWhole(server), JSON.stringify(server.store.calls(PROJECT)));
  assert.equal(lookUps.hits, 0);
});

test("relay: an end that the disk did not take is taken when it is sent again", async () => {
  await using server = await startMockServer();
  server.faults.add({ path: "/call/read", status: 500 });
  await using relay = await startRelay({ server: server.url });
  assert.equal(await half(relay, "start"), 200);
  await server.waitFor(({ counts }) => counts.callStarts === 1);
  const log = relay.relay.logs.opened(PROJECT)!;
  const append = log.append.bind(log);
  log.append = () => {
    log.append = append;
    return () => Promise.reject(Object.assign(new Error("EIO: injected"), { code: "EIO" }));
  };
  assert.equal(await half(relay, "end"), 503);
  assert.equal(await half(relay, "end"), 200);
  await relay.stop();
  assert.ok(isWhole(server), JSON.stringify(server.store.calls(PROJECT)));
});

test("relay: an end is recorded at once while nobody can say where its call began", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  await server.stop();
  assert.equal(await half(relay, "end"), 200);
  assert.equal(relay.relay.counters.records, 1);
});

test(
  "relay: a call whose start is in the log of a dead relay is ended, in whatever order they arrive",
  async () => {
    await using server = await startMockServer();
    await using place = await temporary();
    const options = { server: server.url, walDir: place.path };
    {
      await using dead = await startRelay(options);
      await server.stop();
      assert.equal(await half(dead, "start"), 200);
      await dead.stop(0);
    }
    await using relay = await startRelay({ ...options, recovers: true, runtime: fastRuntime() });
    assert.equal(await half(relay, "end"), 200);
    // The start arrives only after the sender has asked for it.
    const starts = server.faults.add({ path: /call\/start|calls\/complete/, status: 503 });
    const reads = server.faults.add({ path: "/call/read", delayMs: 0 });
    await server.restart();
    await server.waitFor(() => reads.hits >= 2, LONG);
    assert.equal((await post(relay, "/calls/stream_query", { project_id: PROJECT })).status, 200);
    starts.remove();
    await server.waitFor(() => isWhole(server), LONG);
    assert.deepEqual(relay.events.filter(({ name }) => name === "dead-letter"), []);
  },
  { timeout: 150_000 },
);

test(
  "relay: a call whose start is on another machine that is away is ended when it is back",
  async () => {
    await using server = await startMockServer();
    await using place = await temporary();
    const options = { server: server.url, walDir: place.path };
    {
      await using away = await startRelay(options);
      await server.stop();
      assert.equal(await half(away, "start"), 200);
      await away.stop(0);
    }
    await using relay = await startRelay({ server: server.url, runtime: fastRuntime() });
    assert.equal(await half(relay, "end"), 200);
    const reads = server.faults.add({ path: "/call/read", delayMs: 0 });
    await server.restart();
    await server.waitFor(() => reads.hits >= 1, LONG);
    await using back = await startRelay({ ...options, recovers: true });
    await server.waitFor(() => isWhole(server), LONG);
    await back.stop();
    assert.deepEqual(relay.events.filter(({ name }) => name === "dead-letter"), []);
  },
  { timeout: 150_000 },
);
