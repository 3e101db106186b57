import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Clock, Runtime } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { endOf, post, PROJECT, startOf } from "../../support/mock_server/mock_requests.ts";
import { startRelay } from "../../support/relay/relay_fixture.ts";

/** A runtime on which the scan for unused logs runs when, and as late as, the test decides. */
function laterRuntime() {
  const runtime = detectRuntime();
  const { clock } = runtime;
  let look = (): void => {};
  let lateMs = 0;
  const later: Clock = {
    ...clock,
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + lateMs,
    after(ms, run, options) {
      if (ms !== 60_000) return clock.after(ms, run, options);
      look = run;
      return { cancel: () => look = () => {} };
    },
  };
  return {
    runtime: { ...runtime, clock: later } as Runtime,
    lookIn: (ms: number) => {
      lateMs += ms;
      look();
    },
  };
}

const object = (project_id: string, object_id: string) => ({
  obj: { project_id, object_id, val: 1 },
});

test("relay: the log of a project is closed after ten minutes without use, and opened again", async () => {
  await using server = await startMockServer();
  const { runtime, lookIn } = laterRuntime();
  await using relay = await startRelay({ server: server.url, runtime, recovers: true });
  await post(relay, "/obj/create", object("team/one", "first"));
  lookIn(300_000);
  await post(relay, "/obj/create", object("team/two", "first"));
  assert.ok(relay.relay.logs.opened("team/one"));
  lookIn(301_000);
  assert.equal(relay.relay.logs.opened("team/one"), undefined);
  assert.ok(relay.relay.logs.opened("team/two"));
  assert.equal((await post(relay, "/obj/create", object("team/one", "second"))).status, 200);
  await server.waitFor(({ counts }) => counts.objects >= 3, { timeout: 25_000 });
  assert.equal(server.store.counts.duplicateObjects, 0);
  assert.deepEqual([...server.store.project("team/one").objects.keys()].sort(), [
    "first",
    "second",
  ]);
});

test(
  "relay: with many projects, logs that are not in use are closed, and too many are refused",
  async () => {
    await using server = await startMockServer();
    const { runtime, lookIn } = laterRuntime();
    await using relay = await startRelay({
      server: server.url,
      runtime,
      limits: { maxProjects: 8 },
    });
    const { logs } = relay.relay;
    for (let i = 0; i < 8; i++) logs.of(`team/project-${i}`);
    const refused = await post(relay, "/obj/create", object("team/other", "a"));
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get("retry-after")) > 0);
    lookIn(61_000);
    logs.of("team/project-0");
    assert.equal((await post(relay, "/obj/create", object("team/other", "a"))).status, 200);
    assert.ok(logs.opened("team/project-0"), "it is in use");
    assert.equal(logs.opened("team/project-1"), undefined);
  },
  { timeout: 20_000 },
);

test("relay: a call that never ends is forgotten after a day, when its log is closed long since", async () => {
  await using server = await startMockServer();
  const { runtime, lookIn } = laterRuntime();
  await using relay = await startRelay({ server: server.url, runtime });
  const { logs } = relay.relay;
  const start = (id: string) => post(relay, "/call/start", { start: startOf(id) });
  await start("never-ends");
  await start("ends");
  assert.equal((await post(relay, "/call/end", { end: endOf("ends") })).status, 200);
  assert.equal(logs.openCalls, 1);
  lookIn(700_000);
  assert.equal(logs.opened(PROJECT), undefined);
  assert.equal(logs.openCalls, 1);
  lookIn(86_400_000);
  assert.equal(logs.openCalls, 0);
});
