/**
 * A drain of one segment on a simulated disk, and a server that accepts an end only after its start.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DeliveryClient } from "../../../src/delivery/delivery_client.ts";
import { drainOptions } from "../../../src/delivery/create_sender.ts";
import { Drain } from "../../../src/delivery/drain/drain.ts";
import { DigestMap } from "../../../src/wal/digest_map.ts";
import { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { CountBudget } from "../../../src/wal/segment/pending_count.ts";
import type { DeadLetter } from "../../../src/wal/segment/segment.ts";
import { LogWorld, PROJECT, SERVER, STEM, WAL } from "../wal/wal_fixture.ts";
import { line } from "./batches.ts";
import { end, start } from "./delivery_fixture.ts";
import { readReply, replyTo } from "./fake_replies.ts";

/** Lines of a start, of an end, and of both. */
export const startLine = (id: string): string => `${line("call_start", start(id, {}))}\n`;
export const endLine = (id: string): string => `${line("call_end", end(id))}\n`;
export const whole = (id: string): string => startLine(id) + endLine(id);

/** Options of a scene. */
export interface SceneOptions {
  readonly isSealed?: boolean;
  readonly batchRecords?: number;
  readonly stem?: string;
  readonly useCallsComplete?: boolean;
  readonly sharesCalls?: boolean;
}

/** The drain, its segment and the server. */
export class Scene {
  readonly #world = new LogWorld();
  /** Calls whose starts the server has stored. */
  readonly started: Set<string> = new Set();
  readonly ended: Set<string> = new Set();
  /** Requests that end a call separately. */
  readonly ends: Record<string, unknown>[] = [];
  /** Status of reads of calls. */
  readStatus = 200;
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
    {
      isSealed = false,
      batchRecords = 500,
      stem = STEM,
      useCallsComplete = true,
      sharesCalls = false,
    }: SceneOptions = {},
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
      fetch: (url, init) => Promise.resolve(this.#answer(String(url), init!)),
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
        sharesCalls,
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
    if (body === undefined) return new Response(readReply(url));
    const request = JSON.parse(new TextDecoder().decode(body as Uint8Array));
    if (path === "call/read") return this.#read(request.id);
    const id = request.start?.id ?? request.end?.id;
    if (path === "call/end" && !this.started.has(id)) {
      this.requests.push("404");
      this.onRequest("404");
      return new Response('{"reason":"Cannot end call: no start found"}', { status: 404 });
    }
    this.requests.push(path);
    if (request.start) this.started.add(id);
    else if (request.end) {
      this.ended.add(id);
      this.ends.push(request.end);
    }
    for (const item of request.batch ?? []) {
      const call = item.req?.start ?? item.req?.end ?? item;
      this.started.add(call.id);
      if (call.ended_at) this.ended.add(call.id);
    }
    return new Response(replyTo(url));
  }

  #read(id: string): Response {
    // Before a dead letter, the sender asks for a call that cannot exist.
    if (!/^0+-/.test(id)) this.requests.push("call/read");
    if (this.readStatus !== 200) return new Response("{}", { status: this.readStatus });
    const call = { id, trace_id: `trace of ${id}`, started_at: "2026-01-01T00:00:00.000000Z" };
    return Response.json({ call: this.started.has(id) ? call : null });
  }
}
