import assert from "node:assert/strict";
import { hostFetch } from "../../../src/client/server/host_fetch.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { DISK_RETRY_MS, POLL_MS } from "../../../src/delivery/drain/drain_options.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import {
  type DeliveryFixture,
  end,
  start,
  withDelivery,
} from "../../support/delivery/delivery_fixture.ts";
import { test } from "../../harness.ts";
import { replyTo, withHealth } from "../../support/delivery/fake_replies.ts";

const CALLS = 40, POISON = 17;

/** Writes a log of another process with calls of which the server rejects one. */
async function leftWithPoison(fixture: DeliveryFixture): Promise<void> {
  const writer = fixture.open({ sender: false });
  for (let i = 0; i < CALLS; i++) {
    const id = i === POISON ? "poison" : `c${i}`;
    writer.append("call_start", start(id));
    writer.append("call_end", end(id));
  }
  await writer.finish();
}

/** Rejects every batch with the poison record, and reports the first one. */
function refusing(onFirst: () => void): PipelineOptions["fetch"] {
  let refused = 0;
  return withHealth((url, init) => {
    if (!new TextDecoder().decode(init!.body as Uint8Array).includes('"poison"')) {
      return hostFetch(url, init) as Promise<Response>;
    }
    if (refused++ === 0) onFirst();
    return Promise.resolve(new Response('{"detail":"poison"}', { status: 422 }));
  });
}

/** The host's files; reads of logs pass through `read`. */
function withReads(
  read: (real: () => Promise<number>) => Promise<number>,
): Runtime {
  const host = detectRuntime();
  const files: FileSystem = {
    ...host.files,
    openRead: (path) => {
      const file = host.files.openRead(path);
      return {
        read: (offset, into) => read(() => file.read(offset, into)),
        readNow: (offset, into) => file.readNow(offset, into),
        byteAt: (offset) => file.byteAt(offset),
        size: () => file.size(),
        close: () => file.close(),
      };
    },
  };
  const clock = {
    ...host.clock,
    after: (ms: number, callback: () => void) =>
      host.clock.after(ms === DISK_RETRY_MS ? 1 : ms, callback),
  };
  return { ...host, files, clock };
}

test("upsert body: a rejected batch is read from the log again, however often that fails", async () => {
  await withDelivery({}, async (fixture) => {
    await leftWithPoison(fixture);
    let failures = 0;
    let failing = false;
    const runtime = withReads((real) => {
      if (!failing) return real();
      if (++failures === 3) failing = false;
      return Promise.reject(Object.assign(new Error("unreadable"), { code: "EIO" }));
    });
    // A slow disk: a flush polls several times while the records are read again.
    const files: FileSystem = {
      ...runtime.files,
      async *scan(directory) {
        if (failures > 0) await new Promise((resolve) => setTimeout(resolve, 3 * POLL_MS));
        yield* runtime.files.scan(directory);
      },
    };
    const sender = fixture.open({
      runtime: { ...runtime, files },
      fetch: refusing(() => failing = true),
    });
    const { delivered } = await sender.finish();
    assert.equal(failures, 3);
    assert.equal(delivered, 2 * CALLS - 2);
    assert.equal(fixture.deadLetters().length, 2);
    assert.ok(JSON.stringify(fixture.deadLetters()[0].req).includes('"poison"'));
    assert.deepEqual(fixture.files(), []);
    assert.ok(fixture.events.some(({ message }) => message.includes("unreadable")));
  });
});

test("upsert body: a log truncated before it is read again loses nothing unnoticed", async () => {
  await withDelivery({}, async (fixture) => {
    await leftWithPoison(fixture);
    let cut = false;
    const runtime = withReads((real) => cut ? Promise.resolve(0) : real());
    const sender = fixture.open({ runtime, fetch: refusing(() => cut = true) });
    const { delivered } = await sender.finish({ timeout: 1_000 });
    assert.equal(delivered, 0);
    assert.ok(fixture.events.some(({ message }) => message.includes("was changed while")));
    assert.ok(fixture.files().some((name) => name.endsWith(".jsonl")), "it stays for the next");
  });
});

test("upsert body: a sender that stops while lines cannot be read again ends", async () => {
  await withDelivery({}, async (fixture) => {
    await leftWithPoison(fixture);
    let broken = false;
    const host = withReads((real) =>
      broken ? Promise.reject(Object.assign(new Error("unreadable"), { code: "EIO" })) : real()
    );
    // A test that waits for a timer would never end.
    const clock = {
      ...host.clock,
      after: (ms: number, callback: () => void) =>
        ms === DISK_RETRY_MS ? { cancel: () => {} } : detectRuntime().clock.after(ms, callback),
    };
    const sender = fixture.open({
      runtime: { ...host, clock },
      fetch: refusing(() => broken = true),
    });
    await fixture.event("disk-error");
    assert.equal((await sender.finish({ timeout: 1 })).delivered, 0);
    broken = false;
    const next = fixture.open({ fetch: refusing(() => {}) });
    assert.equal((await next.finish()).delivered, 2 * CALLS - 2);
    assert.deepEqual(fixture.files(), []);
  });
});

test("upsert body: a batch with an end in another layout is sent, and its lines dead-lettered, as they are", async () => {
  await withDelivery({}, async (fixture) => {
    const writer = fixture.open({ sender: false });
    writer.append("call_start", start("c1"));
    writer.append("call_start", start("poison"));
    const { end: { project_id, id, ...others } } = JSON.parse(end("c1"));
    writer.append("call_end", JSON.stringify({ end: { id, project_id, ...others } }));
    await writer.finish();
    const sender = fixture.open({ fetch: refusing(() => {}) });
    assert.equal((await sender.finish()).delivered, 2);
    assert.deepEqual(
      fixture.deadLetters().map(({ type, req }) => ({ type, req })),
      [{ type: "call_start", req: JSON.parse(start("poison")) }],
    );
    assert.deepEqual(fixture.files(), []);
  });
});

test("upsert body: starts waiting for the v2 calls API are sent to the v1 batch API", async () => {
  await withDelivery({}, async (fixture) => {
    const writer = fixture.open({ sender: false });
    const ids: string[] = [];
    // More than the first read, so that later batches get buffers of their own.
    const inputs = { text: "x".repeat(40_000) };
    for (let i = 0; i < 60; i++) {
      ids.push(`open${i}`, `whole${i}`);
      writer.append("call_start", start(`open${i}`, inputs));
      writer.append("call_start", start(`whole${i}`, inputs));
      writer.append("call_end", end(`whole${i}`));
    }
    await writer.finish();
    const begun: string[] = [];
    let onLast: () => void = () => {};
    const last = new Promise<void>((resolve) => onLast = resolve);
    let complete = 0;
    const sender = fixture.open({
      useCallsComplete: true,
      batchRecords: 6,
      fetch: withHealth((url, init) => {
        const isOlder = String(url).endsWith("/call/upsert_batch");
        if (!isOlder && ++complete > 12) {
          return Promise.resolve(new Response('{"detail":"Not Found"}', { status: 404 }));
        }
        const { batch } = JSON.parse(new TextDecoder().decode(init!.body as Uint8Array));
        for (const { mode, req, id } of batch) {
          if (mode !== "end") begun.push(isOlder ? req.start.id : id);
        }
        if (begun.includes("whole59")) onLast();
        return Promise.resolve(new Response(replyTo(url)));
      }),
    });
    // Nothing requests their delivery before all batches are built.
    await last;
    assert.equal((await sender.finish()).delivered, 180);
    assert.deepEqual(begun.sort(), ids.sort());
  });
});

test("upsert body: a request is the same at every attempt, whatever is read meanwhile", async () => {
  await withDelivery({}, async (fixture) => {
    const writer = fixture.open({ sender: false });
    // More than the first read, so that every batch gets a buffer of its own.
    const CALLS_PER_BATCH = 10, BATCHES = 60, TEXT = 6_000;
    for (let i = 0; i < CALLS_PER_BATCH * BATCHES; i++) {
      // Every third batch contains other records too, and is copied.
      if (i % (3 * CALLS_PER_BATCH) === 5) {
        writer.append(
          "obj_create",
          JSON.stringify({
            obj: { project_id: "team/project", object_id: `o${i}`, val: { n: i } },
          }),
        );
      } else writer.append("call_start", start(`c${i}`, { text: "x".repeat(TEXT + i % 7) }));
    }
    await writer.finish();
    const first = new Map<string, string>();
    let changed = 0;
    const sender = fixture.open({
      batchRecords: CALLS_PER_BATCH,
      fetch: withHealth((url, init) => {
        const id = new Headers(init!.headers).get("X-Weave-Retry-Id")!;
        const body = new TextDecoder().decode(init!.body as Uint8Array);
        const before = first.get(id);
        if (before === undefined) {
          first.set(id, body);
          return Promise.resolve(new Response("busy", { status: 503 }));
        }
        if (before !== body) changed++;
        return hostFetch(url, init) as Promise<Response>;
      }),
    });
    const { delivered } = await sender.finish();
    assert.equal(changed, 0);
    assert.equal(delivered, CALLS_PER_BATCH * BATCHES);
    assert.deepEqual(fixture.allFiles().filter((name) => name.endsWith(".deadletter")), []);
  });
});
