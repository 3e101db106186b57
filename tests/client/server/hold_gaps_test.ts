import assert from "node:assert/strict";
import { withGaps } from "../../../src/client/server/hold_gaps.ts";
import { HoldTracker } from "../../../src/runtime/network/hold_tracker.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { test } from "../../harness.ts";

const URL = "http://server/call/upsert_batch";

/** A server that responds to each request after `answersIn` ms, or never. */
function place() {
  const clock = new MemoryClock();
  const holds = new HoldTracker();
  const server = { answersIn: 0, requests: 0 };
  const fetch: Fetch = (_url, init = {}) => {
    server.requests++;
    return new Promise((resolve, reject) => {
      const timer = clock.after(server.answersIn, () => resolve(new Response("{}")));
      init.signal?.addEventListener("abort", () => {
        timer.cancel();
        reject(init.signal!.reason);
      });
    });
  };
  const paced = withGaps({ fetch, clock, holds });
  /** Sends a batch and reads the response; resolves with its text or the error's message. */
  const post = (signal?: AbortSignal): Promise<string> =>
    paced(URL, { method: "POST", body: "{}", ...(signal ? { signal } : {}) })
      .then((answer) => answer.text(), (error: Error) => error.message);
  return { clock, holds, server, post, paced };
}

for (const answersIn of [4_000, 20_000, 29_000]) {
  test(`gaps: a request that takes ${answersIn} ms is sent once`, async () => {
    const { clock, holds, server, post } = place();
    server.answersIn = answersIn;
    const sent = post();
    await clock.elapse(answersIn - 1);
    assert.deepEqual([server.requests, holds.count], [1, 1]);
    await clock.elapse(1);
    assert.equal(await sent, "{}");
    assert.deepEqual([server.requests, holds.count], [1, 0]);
  });
}

test("gaps: a response that is not read is no longer tracked once it is canceled", async () => {
  const { clock, holds, paced } = place();
  const answered = paced(URL);
  await clock.elapse(1);
  const response = await answered;
  assert.equal(holds.count, 1);
  await response.body!.cancel();
  assert.equal(holds.count, 0);
});

test("gaps: the caller's abort reaches the request", async () => {
  const { clock, holds, server, post } = place();
  server.answersIn = Infinity;
  const caller = new AbortController();
  const sent = post(caller.signal);
  await clock.elapse(5);
  caller.abort(new Error("the caller gave up"));
  assert.equal(await sent, "the caller gave up");
  assert.equal(holds.count, 0);
});

test("gaps: successive requests leave a gap every second", async () => {
  const { clock, holds, server, post } = place();
  server.answersIn = 100;
  let over = false;
  const worker = async (): Promise<void> => {
    while (!over) await post();
  };
  const workers = [worker(), worker(), worker()];
  let gaps = 0, wasBusy = true;
  for (let ms = 0; ms < 10_000; ms += 4) {
    await clock.elapse(4);
    const isBusy = holds.count > 0;
    if (wasBusy && !isBusy) gaps++;
    wasBusy = isBusy;
  }
  over = true;
  await clock.elapse(1_000);
  await Promise.all(workers);
  assert.ok(gaps >= 7 && gaps <= 10, `${gaps} gaps in ten seconds`);
});

test("hold_tracker: work that delayed the end of a program is reported at its end", () => {
  const holds = new HoldTracker();
  let now = 1_000;
  const begin = () => holds.begin(() => now);
  holds.exiting(now);
  assert.equal(holds.heldAtExitMs, 0);
  const first = begin();
  now += 300;
  const second = begin();
  first();
  now += 200;
  second();
  second();
  now += 1;
  holds.exiting(now);
  assert.equal(holds.heldAtExitMs, 501);
  // The next request started before the host could notice the gap.
  const third = begin();
  now += 100;
  third();
  holds.exiting(now);
  assert.equal(holds.heldAtExitMs, 601);
  now += 500;
  holds.exiting(now);
  assert.equal(holds.heldAtExitMs, 0, "the program went on by itself");
});
