import assert from "node:assert/strict";
import { DeliveryClient } from "../../../src/delivery/delivery_client.ts";
import { drainOptions } from "../../../src/delivery/create_sender.ts";
import { Drain } from "../../../src/delivery/drain/drain.ts";
import { DigestMap } from "../../../src/wal/digest_map.ts";
import { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import { formatStem, segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { CountBudget } from "../../../src/wal/segment/pending_count.ts";
import type { DeadLetter } from "../../../src/wal/segment/segment.ts";
import { test } from "../../harness.ts";
import { end, start } from "../../support/delivery/delivery_fixture.ts";
import { replyTo, withHealth } from "../../support/delivery/fake_replies.ts";
import { line } from "../../support/delivery/batches.ts";
import { LogWorld, PROJECT, SERVER, STEM, TOKEN, WAL } from "../../support/wal/wal_fixture.ts";

const startLine = (id: string) => `${line("call_start", start(id, {}))}\n`;
const endLine = (id: string) => `${line("call_end", end(id))}\n`;
const whole = (id: string) => startLine(id) + endLine(id);

/**
 * A drain of one segment on a simulated disk, and a server that accepts an end only after
 * its start.
 */
class Scene {
  readonly #world = new LogWorld();
  /** Calls whose starts the server has stored. */
  readonly started = new Set<string>();
  readonly ended = new Set<string>();
  /** Paths of requests; those answered with 404 are marked. */
  readonly requests: string[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly drain: Drain;
  readonly segment: FileSegment;
  readonly #data: string;
  #text: string;
  isSealed: boolean;
  onRequest: (path: string) => void = () => {};
  isAppended = false;
  checkpoint = 0;
  #running: Promise<unknown> | null = null;

  constructor(
    text: string,
    { isSealed = false, batchRecords = 500, stem = STEM, useCallsComplete = true } = {},
  ) {
    const runtime = this.#world.process();
    const paths = segmentPaths(PROJECT, stem);
    this.#data = paths.data;
    this.#text = text;
    this.isSealed = isSealed;
    this.#world.disk.put(paths.data, text);
    this.segment = new FileSegment({
      runtime,
      directory: PROJECT,
      stem,
      paths,
      guard: { assertHeld() {}, ensureHeld() {} },
      live: false,
      isSealed: () => this.isSealed,
    });
    const acknowledge = this.segment.acknowledge.bind(this.segment);
    this.segment.acknowledge = (offset) => {
      this.checkpoint = offset;
      acknowledge(offset);
    };
    const deliveryClient = new DeliveryClient({
      clock: runtime.clock,
      fetch: withHealth((url, init) => Promise.resolve(this.#answer(String(url), init!))),
      random: () => 0,
      newId: () => crypto.randomUUID(),
      serverUrl: SERVER,
      apiKey: "key",
      timeoutMs: 30_000,
      retryMaxMs: 1_000,
      useCallsComplete,
      digests: new DigestMap(runtime.files, WAL),
      maxInFlight: 4,
      onState() {},
      onRetry() {},
      onSwitch() {},
    });
    this.drain = new Drain(
      this.segment,
      drainOptions(runtime.clock, {
        deliveryClient,
        batchBytes: 1_000_000,
        batchRecords,
        lingerMs: 5,
        onProgress: (_, deadLetters) => void this.deadLetters.push(...deadLetters),
        onDropped() {},
        onComplete() {},
        onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
      }),
    );
  }

  /** Number of pending bytes. */
  async pending(): Promise<number> {
    return (await this.drain.pending(new CountBudget())).bytes;
  }

  append(text: string): void {
    this.#text += text;
    this.#world.disk.put(this.#data, this.#text);
  }

  /** Lets time pass until `condition` is true; returns the elapsed ms. */
  async until(condition: () => boolean): Promise<number> {
    this.#running ??= this.drain.run();
    let ms = 0;
    for (; !condition(); ms += 50) {
      assert.ok(ms < 600_000, `after ten minutes: ${this.requests.join(", ")}`);
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
      this.#world.clock.advance(50);
    }
    return ms;
  }

  async toEnd(): Promise<void> {
    this.isSealed = true;
    await this.until(() => this.drain.ended);
    assert.equal(this.drain.end, "complete");
  }

  #answer(url: string, { body }: RequestInit): Response {
    const path = url.slice(SERVER.length).split("/").slice(-2).join("/");
    const request = JSON.parse(new TextDecoder().decode(body as Uint8Array));
    const id = request.start?.id ?? request.end?.id;
    if (path === "call/end" && !this.started.has(id)) {
      this.requests.push("404");
      this.onRequest("404");
      return new Response('{"reason":"Cannot end call: no start found"}', { status: 404 });
    }
    this.requests.push(path);
    if (request.start) this.started.add(id);
    else if (request.end) this.ended.add(id);
    for (const item of request.batch ?? []) {
      const call = item.req?.start ?? item.req?.end ?? item;
      this.started.add(call.id);
      if (call.ended_at) this.ended.add(call.id);
    }
    return new Response(replyTo(url));
  }
}

test("held ends: an end that was written before its start, in another batch, is sent with it", async () => {
  for (const isSealed of [false, true]) {
    const log = endLine("a") + whole("b") + whole("c") + startLine("a") + whole("d");
    const scene = new Scene(log, { isSealed, batchRecords: 2 });
    await scene.until(() => scene.ended.size === 4);
    await scene.toEnd();
    assert.deepEqual(new Set(scene.requests), new Set(["calls/complete"]), `${isSealed}`);
    assert.deepEqual(scene.deadLetters, []);
  }
});

test("held ends: an end that was written twice before its start is sent once, with it", async () => {
  const log = endLine("a") + whole("b") + endLine("a") + startLine("a") + whole("c");
  const scene = new Scene(log, { batchRecords: 2 });
  await scene.until(() => scene.ended.size === 3);
  await scene.toEnd();
  assert.deepEqual(new Set(scene.requests), new Set(["calls/complete"]));
  assert.deepEqual(scene.deadLetters, []);
});

test("held ends: an end before its start in one batch is sent with it, also in the last batch", async () => {
  for (const isSealed of [false, true]) {
    for (const stem of [STEM, formatStem(1n, TOKEN).stem]) {
      const scene = new Scene(endLine("a") + startLine("a") + whole("b"), { isSealed, stem });
      await scene.toEnd();
      assert.deepEqual(scene.requests, ["calls/complete"]);
      assert.deepEqual([...scene.ended].sort(), ["a", "b"]);
    }
  }
});

test("held ends: the checkpoint stays in front of an end that waits, and passes it when its start comes", async () => {
  const scene = new Scene(whole("a") + endLine("late") + whole("b"));
  await scene.until(() => scene.ended.size === 2 && scene.checkpoint > 0);
  assert.equal(scene.checkpoint, whole("a").length);
  assert.equal(await scene.pending(), endLine("late").length - 1);
  scene.append(startLine("late"));
  await scene.until(() => scene.ended.has("late") && scene.checkpoint === scene.segment.end());
  assert.equal(await scene.pending(), 0);
  assert.deepEqual(scene.requests.filter((path) => path !== "calls/complete"), []);
  await scene.toEnd();
});

test("held ends: an end whose start an earlier process has delivered is sent after a moment", async () => {
  const scene = new Scene(endLine("long"));
  scene.started.add("long");
  const ms = await scene.until(() => scene.ended.has("long"));
  assert.ok(ms >= 1_900 && ms <= 2_500, `${ms} ms`);
  assert.deepEqual(scene.requests, ["call/end"]);
  await scene.toEnd();
});

test("held ends: an end whose start the server does not know waits on, and is sent with the start", async () => {
  const scene = new Scene(whole("a") + endLine("late"));
  await scene.until(() => scene.requests.includes("404"));
  assert.equal(await scene.pending(), endLine("late").length - 1);
  scene.append(startLine("late"));
  await scene.until(() => scene.ended.has("late"));
  assert.deepEqual(scene.requests.filter((path) => path !== "404"), [
    "calls/complete",
    "calls/complete",
  ]);
  await scene.toEnd();
  assert.deepEqual(scene.deadLetters, []);
});

test("held ends: a start that is read while its end is in flight is sent before it", async () => {
  for (const isSealed of [false, true]) {
    const scene = new Scene(whole("a") + endLine("late"));
    scene.onRequest = (path) => {
      if (path !== "404" || scene.isAppended) return;
      scene.isAppended = true;
      scene.append(startLine("late") + whole("b"));
      scene.isSealed = isSealed;
    };
    await scene.until(() => scene.ended.size === 3);
    await scene.toEnd();
    assert.deepEqual(scene.deadLetters, []);
  }
});

test("held ends: an end without a start is dead-lettered when its log has ended and is read", async () => {
  const scene = new Scene(endLine("orphan") + whole("a"));
  await scene.until(() => scene.requests.includes("404"));
  await scene.toEnd();
  assert.deepEqual(scene.deadLetters.map(({ offset, status }) => [offset, status]), [[0, 404]]);
  assert.deepEqual([...scene.ended], ["a"]);
});

test("held ends: an end without a start does not wait longer than some minutes for a writer that goes on", async () => {
  const scene = new Scene(endLine("orphan") + whole("a"));
  await scene.until(() => scene.deadLetters.length > 0);
  assert.equal(await scene.pending(), 0);
  assert.equal(scene.checkpoint, scene.segment.end());
  await scene.toEnd();
});

test("held ends: only so many wait, whatever comes", async () => {
  const count = 1_200;
  const orphans = Array.from({ length: count }, (_, n) => endLine(`orphan${n}`)).join("");
  const scene = new Scene(orphans);
  await scene.until(() => scene.deadLetters.length >= count - 1_000);
  assert.equal(scene.deadLetters.length, count - 1_000, "the oldest");
  assert.equal(scene.deadLetters[0].offset, 0);
  await scene.toEnd();
  assert.equal(scene.deadLetters.length, count);
});

test("held ends: in a log of this package an end without a start does not wait", async () => {
  const scene = new Scene(endLine("orphan") + whole("a"), { stem: formatStem(1n, TOKEN).stem });
  const ms = await scene.until(() => scene.deadLetters.length > 0);
  assert.ok(ms < 1_000, `${ms} ms`);
  await scene.toEnd();
});

test("held ends: the v1 batch API takes an end before its start", async () => {
  const scene = new Scene(endLine("a") + whole("b") + startLine("a"), {
    batchRecords: 2,
    useCallsComplete: false,
  });
  await scene.until(() => scene.ended.size === 2);
  await scene.toEnd();
  assert.deepEqual(scene.deadLetters, []);
});
