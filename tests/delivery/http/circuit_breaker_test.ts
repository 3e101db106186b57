import assert from "node:assert/strict";
import { CircuitBreaker } from "../../../src/delivery/http/circuit_breaker.ts";
import { Evidence } from "../../../src/delivery/http/evidence.ts";
import { Health } from "../../../src/delivery/http/health.ts";
import { Transport } from "../../../src/delivery/http/transport.ts";
import { test } from "../../harness.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";

/** A circuit breaker on a virtual clock, with the maximum random delay. */
function breakerAt(clock: MemoryClock): CircuitBreaker {
  const transport = new Transport({
    fetch: () => Promise.resolve(new Response("{}")),
    clock,
    serverUrl: "http://server.test",
    apiKey: "key",
    timeoutMs: 30_000,
  });
  const { signal } = new AbortController();
  return new CircuitBreaker({
    clock,
    random: () => 1,
    maxBackoffMs: 300_000,
    health: new Health(transport, new Evidence(clock), signal),
    onState: () => {},
    onFailure: () => {},
  });
}

const DOWN = { state: "down", reason: "HTTP 503" } as const;

test("circuit breaker: requests in flight when the server goes down delay no probe", () => {
  const breaker = breakerAt(new MemoryClock());
  breaker.failed({ ...DOWN, wait: 5_000 }, false);
  breaker.failed({ ...DOWN, wait: 60_000 }, false);
  assert.equal(breaker.msToNextAttempt, 5_000);
  breaker.failed({ ...DOWN, wait: 60_000 }, true);
  assert.equal(breaker.msToNextAttempt, 60_000, "the probe does");
});

test("circuit breaker: a success resets the delays", () => {
  const breaker = breakerAt(new MemoryClock());
  const delays = () => {
    const found: (number | null)[] = [];
    for (let failures = 0; failures < 3; failures++) {
      breaker.failed(DOWN, true);
      found.push(breaker.msToNextAttempt);
    }
    return found;
  };
  const first = delays();
  assert.ok(first[0]! < first[2]!, `${first}`);
  breaker.succeeded();
  assert.equal(breaker.msToNextAttempt, null);
  assert.deepEqual(delays(), first);
});
