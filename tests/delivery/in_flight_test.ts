import assert from "node:assert/strict";
import type { PipelineOptions } from "../../src/client/pipeline/pipeline.ts";
import { Semaphore } from "../../src/delivery/async/signal.ts";
import { test } from "../harness.ts";
import {
  appendCalls,
  type DeliveryFixture,
  end,
  start,
  withDelivery,
} from "../support/delivery/delivery_fixture.ts";
import { replyTo, withHealth } from "../support/delivery/fake_replies.ts";

/** Requests that the test answers, in order of arrival. */
class Desk {
  readonly waiting: { body: string; answer: (status?: number) => void }[] = [];
  /** Maximum number of concurrently pending requests. */
  most = 0;
  onRequest: () => void = () => {};

  readonly fetch: PipelineOptions["fetch"] = withHealth((url, init) =>
    new Promise((resolve, reject) => {
      const request = {
        body: new TextDecoder().decode(init!.body as Uint8Array),
        answer: (status = 200) => {
          this.waiting.splice(this.waiting.indexOf(request), 1);
          resolve(new Response(status === 200 ? replyTo(url) : "{}", { status }));
        },
      };
      init!.signal!.addEventListener("abort", () => {
        if (this.waiting.includes(request)) this.waiting.splice(this.waiting.indexOf(request), 1);
        reject(init!.signal!.reason);
      });
      this.waiting.push(request);
      this.most = Math.max(this.most, this.waiting.length);
      this.onRequest();
    })
  );

  /** Resolves when this many requests are pending. */
  async arrived(count: number): Promise<void> {
    while (this.waiting.length < count) await this.next();
  }

  /** Resolves at the next request. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => this.onRequest = resolve);
  }

  /** Answers requests as they arrive, each after the next one had time to arrive. */
  answerAll(): void {
    const later = () =>
      setTimeout(() => {
        this.waiting[0]?.answer();
        if (this.waiting.length > 0) later();
      }, 20);
    this.onRequest = () => this.waiting.length === 1 && later();
    if (this.waiting.length > 0) later();
  }
}

/** A log of another process with two records per batch, and the sender that finds it. */
async function left(
  fixture: DeliveryFixture,
  write: (
    append: (type: "call_start" | "call_end" | "obj_create", request: string) => void,
  ) => void,
  changes: Partial<PipelineOptions> = {},
) {
  const writer = fixture.open({ sender: false });
  write((type, request) => writer.append(type, request));
  await writer.finish();
  const desk = new Desk();
  const sender = fixture.open({ fetch: desk.fetch, batchRecords: 2, ...changes });
  return { desk, sender };
}

test("in-flight queue: two batches of starts are in flight at once, and settled in order", async () => {
  await withDelivery({}, async (fixture) => {
    const { desk, sender } = await left(fixture, (append) => {
      for (let i = 0; i < 6; i++) append("call_start", start(`s${i}`));
    });
    await desk.arrived(2);
    assert.ok(desk.waiting[0].body.includes('"s1"') && desk.waiting[1].body.includes('"s3"'));
    desk.waiting[1].answer();
    const first = await sender.stats();
    assert.equal(first.delivered, 0, "what is behind one without an answer is not acknowledged");
    assert.equal(first.pendingRecords, 6);
    desk.waiting[0].answer();
    await desk.arrived(1);
    assert.ok(desk.waiting[0].body.includes('"s5"'));
    assert.equal((await sender.stats()).delivered, 4);
    desk.answerAll();
    assert.equal((await sender.finish()).delivered, 6);
    assert.equal(desk.most, 2);
    assert.deepEqual(fixture.files(), []);
  });
});

test("in-flight queue: complete calls are independent of each other", async () => {
  await withDelivery({}, async (fixture) => {
    const writer = fixture.open({ sender: false });
    appendCalls(writer, "c", 6);
    await writer.finish();
    const desk = new Desk();
    const sender = fixture.open({ fetch: desk.fetch, batchRecords: 4, useCallsComplete: true });
    await desk.arrived(2);
    desk.answerAll();
    assert.equal((await sender.finish()).delivered, 12);
  });
});

test("in-flight queue: an API that one batch has abandoned does not delay the other", async () => {
  await withDelivery({}, async (fixture) => {
    const writer = fixture.open({ sender: false });
    appendCalls(writer, "c", 4);
    await writer.finish();
    const desk = new Desk();
    const sender = fixture.open({ fetch: desk.fetch, batchRecords: 4, useCallsComplete: true });
    await desk.arrived(2);
    // The server has no v2 path: the first batch is already sent by the v1 path when the
    // second gets its response.
    desk.waiting[0].answer(404);
    while (!desk.waiting.some(({ body }) => body.includes('"mode"'))) await desk.next();
    desk.waiting[0].answer(404);
    await desk.arrived(2);
    desk.answerAll();
    assert.equal((await sender.finish()).delivered, 8);
    const names = fixture.events.map(({ name }) => name);
    assert.ok(names.includes("calls-api"), `events: ${names}`);
    assert.ok(!names.includes("server-blocked"), `events: ${names}`);
  });
});

test("in-flight queue: an end waits until the batch with its start is settled", async () => {
  await withDelivery({}, async (fixture) => {
    const { desk, sender } = await left(fixture, (append) => {
      append("call_start", start("a"));
      append("call_start", start("b"));
      append("call_end", end("a"));
      append("call_end", end("b"));
      append("call_start", start("c"));
      append("call_start", start("d"));
    });
    await desk.arrived(1);
    desk.answerAll();
    assert.equal((await sender.finish()).delivered, 6);
    assert.equal(desk.most, 1);
  });
});

test("in-flight queue: a record that is not a call is never in flight together with a batch", async () => {
  await withDelivery({}, async (fixture) => {
    const { desk, sender } = await left(fixture, (append) => {
      append("call_start", start("a"));
      append("call_start", start("b"));
      for (const object_id of ["x", "y"]) {
        append(
          "obj_create",
          JSON.stringify({ obj: { project_id: "team/project", object_id, val: 1 } }),
        );
      }
      append("call_start", start("c"));
      append("call_start", start("d"));
    }, { batchRecords: 1 });
    await desk.arrived(1);
    const beside: string[] = [];
    desk.answerAll();
    const answering = desk.onRequest;
    desk.onRequest = () => {
      const objects = desk.waiting.filter(({ body }) => body.startsWith('{"obj"'));
      if (objects.length > 0 && desk.waiting.length > 1) {
        beside.push(...desk.waiting.map(({ body }) => body));
      }
      answering();
    };
    assert.equal((await sender.finish()).delivered, 6);
    assert.deepEqual(beside, []);
  });
});

test("in-flight queue: an answer after a missing one does not acknowledge both", async () => {
  await withDelivery({}, async (fixture) => {
    const { desk, sender } = await left(fixture, (append) => {
      for (let i = 0; i < 4; i++) append("call_start", start(`s${i}`));
    });
    await desk.arrived(2);
    desk.waiting[1].answer();
    // An aborted signal ends the wait at once; the sender is stopped with the first
    // request in flight.
    const result = await sender.finish({ signal: AbortSignal.abort() });
    assert.equal(result.done, false);
    assert.equal(result.pendingRecords, 4);
    const next = fixture.open();
    assert.equal((await next.finish()).delivered, 2, "only what had no answer is sent again");
    assert.equal(fixture.mock.store.callCount("team/project"), 2);
  });
});

test("slots: a waiter that is stopped acquires no slot", async () => {
  const slots = new Semaphore(1);
  const free = new AbortController().signal;
  assert.equal(await slots.acquire(free), true);
  const stop = new AbortController();
  const stopped = slots.acquire(stop.signal);
  const next = slots.acquire(free);
  stop.abort();
  assert.equal(await stopped, false);
  assert.equal(await slots.acquire(stop.signal), false);
  slots.release();
  assert.equal(await next, true);
  slots.release();
  assert.equal(await slots.acquire(free), true);
});
