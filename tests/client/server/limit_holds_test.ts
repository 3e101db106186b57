import assert from "node:assert/strict";
import { limitHolds } from "../../../src/client/server/limit_holds.ts";
import { HoldTracker } from "../../../src/runtime/network/hold_tracker.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { test } from "../../harness.ts";

const URL = "http://server/call/upsert_batch";

/** A server that answers each request after as many ms as `answersIn` says, or never. */
function place(holdMs = 2_000) {
  const clock = new MemoryClock();
  const holds = new HoldTracker();
  const seen: string[] = [];
  const server = { answersIn: (_method: string): number => 0 };
  const fetch: Fetch = (_url, init = {}) => {
    const method = init.method ?? "GET";
    seen.push(method);
    return new Promise((resolve, reject) => {
      const ms = server.answersIn(method);
      const timer = clock.after(ms, () => resolve(new Response("{}")));
      init.signal?.addEventListener("abort", () => {
        timer.cancel();
        reject(init.signal!.reason);
      });
    });
  };
  const limited = limitHolds({ fetch, clock, holds, holdMs });
  /** Sends a batch and reads the answer; what came of it after `ms`. */
  const post = (signal?: AbortSignal): Promise<string> =>
    limited(URL, { method: "POST", body: "{}", ...(signal ? { signal } : {}) })
      .then((answer) => answer.text(), (error: Error) => error.message);
  return { clock, holds, seen, server, post, limited };
}

test("limit_holds: a request without an answer is given up, and the server is asked first then", async () => {
  const { clock, holds, seen, server, post } = place();
  server.answersIn = () => Infinity;
  const first = post();
  await clock.elapse(2_000);
  assert.equal(await first, "No whole answer within 2000 ms");
  assert.equal(holds.count, 0);
  for (let i = 0; i < 3; i++) {
    const next = post();
    await clock.elapse(2_000);
    assert.equal(await next, "No whole answer within 2000 ms");
  }
  assert.deepEqual(seen, ["POST", "HEAD", "HEAD", "HEAD"], "no batch is sent into the void");
});

test("limit_holds: a server that is slow and there gets more time, until it is quick again", async () => {
  const { clock, seen, server, post } = place();
  server.answersIn = (method) => method === "HEAD" ? 10 : 7_000;
  const texts: string[] = [];
  for (let i = 0; i < 3; i++) {
    const sent = post();
    await clock.elapse(20_000);
    texts.push(await sent);
  }
  assert.deepEqual(texts, [
    "No whole answer within 2000 ms",
    "No whole answer within 4000 ms",
    "{}",
  ]);
  assert.deepEqual(seen, ["POST", "HEAD", "POST", "HEAD", "POST"]);
  server.answersIn = () => 1;
  for (let i = 0; i < 8; i++) {
    const sent = post();
    await clock.elapse(100);
    assert.equal(await sent, "{}");
  }
  server.answersIn = () => Infinity;
  const last = post();
  await clock.elapse(2_000);
  assert.equal(await last, "No whole answer within 2000 ms");
});

test("limit_holds: a body that does not end is given up too, and one that is not read", async () => {
  const { clock, holds, limited } = place();
  const endless: Fetch = (_url, init = {}) =>
    Promise.resolve(
      new Response(
        new ReadableStream({
          start: (controller) =>
            init.signal!.addEventListener("abort", () => controller.error(init.signal!.reason)),
        }),
      ),
    );
  const slow = limitHolds({ fetch: endless, clock, holds, holdMs: 500 });
  const text = (await slow(URL)).text().then(() => "read", (error: Error) => error.message);
  await clock.elapse(500);
  assert.match(await text, /No whole answer within 500 ms/);
  const unread = await limitHolds({ fetch: endless, clock, holds, holdMs: 500 })(URL);
  assert.equal(holds.count, 1);
  await unread.body!.cancel();
  assert.equal(holds.count, 0);
  const answered = limited(URL);
  await clock.elapse(1);
  assert.equal((await answered).status, 200);
});

test("limit_holds: the caller's abort reaches the request, before it and during it", async () => {
  const { clock, holds, seen, server, post } = place();
  server.answersIn = () => Infinity;
  const gone = new AbortController();
  const sent = post(gone.signal);
  await clock.elapse(5);
  gone.abort(new Error("the caller is gone"));
  assert.equal(await sent, "the caller is gone");
  server.answersIn = () => 0;
  assert.equal(holds.count, 0);
  const again = post();
  await clock.elapse(5);
  assert.equal(await again, "{}");
  assert.deepEqual(seen, ["POST", "POST"], "an abort of the caller says nothing of the server");
});

test("limit_holds: requests that follow one another make a gap every second", async () => {
  const { clock, holds, server, post } = place();
  server.answersIn = () => 100;
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

test("hold_tracker: what a program was held by before it could end is known at its end", () => {
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
  // The next request came before the host could notice that there was none.
  const third = begin();
  now += 100;
  third();
  holds.exiting(now);
  assert.equal(holds.heldAtExitMs, 601);
  now += 500;
  holds.exiting(now);
  assert.equal(holds.heldAtExitMs, 0, "the program went on by itself");
});
