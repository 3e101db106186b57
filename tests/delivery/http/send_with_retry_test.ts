import assert from "node:assert/strict";
import { CircuitBreaker } from "../../../src/delivery/http/circuit_breaker.ts";
import { Evidence } from "../../../src/delivery/http/evidence.ts";
import { Health } from "../../../src/delivery/http/health.ts";
import { KnownApis } from "../../../src/delivery/http/known_apis.ts";
import { type SendDeps, sendWithRetry } from "../../../src/delivery/http/send_with_retry.ts";
import { Transport } from "../../../src/delivery/http/transport.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { replyTo, withHealth } from "../../support/delivery/fake_replies.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";

const PATH = "/call/upsert_batch";
const REQUEST = { path: PATH, body: new Uint8Array([123, 125]), retryId: "retry-1" };

/** Dependencies with a server whose writes are handled by `write`. */
function depsWith(write: Fetch, assertHeld = () => {}): { clock: MemoryClock; deps: SendDeps } {
  const clock = new MemoryClock();
  const evidence = new Evidence(clock);
  const { signal: stop } = new AbortController();
  const transport = new Transport({
    fetch: withHealth(write),
    clock,
    serverUrl: "http://server.test",
    apiKey: "key",
    timeoutMs: 30_000,
  });
  const breaker = new CircuitBreaker({
    clock,
    random: () => 0.5,
    maxBackoffMs: 60_000,
    health: new Health(transport, evidence, stop),
    onState: () => {},
    onFailure: () => {},
  });
  return { clock, deps: { transport, breaker, evidence, apis: new KnownApis(), stop, assertHeld } };
}

test("send: nothing is sent once the lease is lost, at the first attempt or at a later one", async () => {
  for (const heldChecks of [0, 1]) {
    let checks = 0, writes = 0;
    const lost = new Error("The lease is lost");
    const { clock, deps } = depsWith(() => {
      writes++;
      return Promise.resolve(new Response("{}", { status: 503 }));
    }, () => {
      if (checks++ === heldChecks) throw lost;
    });
    const ended = sendWithRetry(REQUEST, deps, { tries: "several" }).catch((error) => error);
    await clock.elapse(60_000);
    assert.equal(await ended, lost);
    assert.equal(writes, heldChecks);
  }
});

test("send: every attempt of a request has the same retry ID", async () => {
  const ids: (string | null)[] = [];
  const { clock, deps } = depsWith((url, init) => {
    ids.push(new Headers(init!.headers).get("X-Weave-Retry-Id"));
    const isFirst = ids.length === 1;
    return Promise.resolve(
      isFirst ? new Response("{}", { status: 503 }) : new Response(replyTo(url)),
    );
  });
  const sent = sendWithRetry(REQUEST, deps, { tries: "several" });
  await clock.elapse(60_000);
  assert.equal((await sent).kind, "done");
  assert.deepEqual(ids, ["retry-1", "retry-1"]);
});

test("send: a response with unknown fields does not count if the server proves to be Weave's only later", async () => {
  const portal = '{"id":null,"digest":"","res":{}}';
  for (const isPortalThere of [false, true]) {
    let writes = 0;
    // Its `/server_info` is that of the trace server: the login page has just
    // disappeared.
    const { clock, deps } = depsWith((url) => {
      const text = ++writes === 1 || isPortalThere ? portal : replyTo(url);
      return Promise.resolve(new Response(text));
    });
    const path = "/v2/team/project/calls/complete";
    const sent = sendWithRetry({ ...REQUEST, path }, deps, { tries: "several" });
    await clock.elapse(60_000);
    const outcome = await sent;
    assert.equal(writes, 2);
    assert.deepEqual(outcome, { kind: "done", text: isPortalThere ? portal : replyTo(path) });
  }
});
