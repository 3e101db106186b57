import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "../harness.ts";
import { appendCalls, start, withDelivery } from "../support/delivery/delivery_fixture.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { readPresence } from "../../src/wal/processes/presence_state.ts";
import { HEARTBEAT_MS } from "../../src/wal/processes/failure_detector.ts";

test("stats: counts follow the records from the log to the server", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const active = fixture.mock.faults.add({ status: 503 });
    const pipeline = fixture.open();
    appendCalls(pipeline, "a", 5);
    await fixture.event("server-down");
    const waiting = await pipeline.stats();
    assert.equal(waiting.log, "file");
    assert.equal(waiting.pendingRecords, 10);
    assert.equal(waiting.appended, 10);
    assert.equal(waiting.delivered, 0);
    assert.equal(waiting.lastDelivery, null);
    assert.equal(waiting.server.state, "down");
    assert.equal(waiting.server.reason, "HTTP 503");
    assert.equal(waiting.lastError?.message, "HTTP 503");
    assert.ok(waiting.oldestPendingMs !== null && waiting.oldestPendingMs >= 0);
    assert.ok(waiting.disk!.usedBytes >= waiting.pendingBytes);
    active.remove();
    await pipeline.flush();
    const after = await pipeline.stats();
    assert.equal(after.pendingRecords, 0);
    assert.equal(after.pendingBytes, 0);
    assert.equal(after.oldestPendingMs, null);
    assert.equal(after.delivered, 10);
    assert.equal(after.server.state, "up");
    assert.ok(after.lastDelivery! > 0);
    await pipeline.finish();
  });
});

test("stats: orphaned segments are counted before they are sent", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const writer = fixture.open({ sender: false });
    appendCalls(writer, "a", 7);
    const left = await writer.finish();
    assert.equal(left.done, false);
    assert.equal(left.reason, "sender-off");
    assert.equal(left.pendingRecords, 14);
    assert.ok(left.pendingBytes > 14 * 100);
    fixture.mock.faults.add({ status: 503 });
    const sender = fixture.open();
    await fixture.event("server-down");
    const { pendingRecords, pendingBytes } = await sender.stats();
    assert.deepEqual({ pendingRecords, pendingBytes }, {
      pendingRecords: 14,
      pendingBytes: left.pendingBytes,
    });
  });
});

/** Servers that receive the key and the data, and repeat everything in their response. */
const ECHOES: [string, (echo: string) => Promise<Response>][] = [
  ...[400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503].map((
    status,
  ): [string, (echo: string) => Promise<Response>] => [
    `HTTP ${status}`,
    (echo) => Promise.resolve(new Response(JSON.stringify({ reason: echo }), { status })),
  ]),
  ["a page", (echo) => Promise.resolve(new Response(`<html>${echo}</html>`))],
  ["a redirect", (echo) =>
    Promise.resolve(
      new Response(null, { status: 307, headers: { Location: `http://other/?${btoa(echo)}` } }),
    )],
  ["an error", (echo) => Promise.reject(Object.assign(new TypeError(echo), { cause: echo }))],
];

for (const [name, answer] of ECHOES) {
  test(`stats: no report contains the key or traced data: ${name}`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      let attempts = 0;
      const pipeline = fixture.open({
        apiKey: "secret-key",
        fetch: async (url, init) => {
          if (++attempts > 6) return await fetch(url, init);
          const body = new TextDecoder().decode(init!.body as Uint8Array | undefined);
          return await answer(`${JSON.stringify(init!.headers)} ${body}`);
        },
      });
      pipeline.append("call_start", start("a", "secret-input"));
      pipeline.append("obj_create", '{"obj":{"secret-input":1}}');
      await pipeline.flush();
      assert.ok(attempts > 0);
      const shown = JSON.stringify([
        fixture.events,
        await pipeline.stats(),
        await pipeline.finish(),
      ]);
      assert.doesNotMatch(shown, /secret/);
      assert.ok(!shown.includes(btoa("api:secret-key")));
    });
  });
}

test("stats: dead letters are counted by reason", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    fixture.mock.faults.add({ bodyHas: '"id":"bad', status: 422 });
    const pipeline = fixture.open();
    assert.deepEqual((await pipeline.stats()).deadLettersByReason, {});
    pipeline.append("call_start", start("bad1"));
    pipeline.append("call_start", start("bad2"));
    pipeline.append("file_create", '{"project_id":"team/project","name":"a","content":7}');
    appendCalls(pipeline, "a", 1);
    assert.equal((await pipeline.flush()).done, true);
    const { deadLettered, deadLettersByReason } = await pipeline.stats();
    assert.equal(deadLettered, 3);
    assert.deepEqual(deadLettersByReason, { refused: 2, unsendable: 1 });
    await pipeline.finish();
  });
});

test("stats: every reason for dropped records has its own count", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    fixture.mock.faults.add({ bodyHas: '"id":"bad"', status: 422 });
    const pipeline = fixture.open({ wal: false, maxMemoryRecords: 4 });
    pipeline.append("call_start", start("bad"));
    await pipeline.flush();
    await fixture.mock.stop();
    appendCalls(pipeline, "a", 5);
    const { dropped, disk, log } = await pipeline.stats();
    assert.deepEqual([log, disk], ["memory", null]);
    assert.deepEqual([dropped["refused-in-memory"], dropped["memory-full"]], [1, 6]);
    await fixture.mock.restart();
    await pipeline.finish();
    pipeline.append("call_start", start("late"));
    const after = await pipeline.stats();
    assert.deepEqual(after.dropped, {
      "quota-new": 0,
      "quota-oldest": 0,
      "memory-full": 6,
      "refused-in-memory": 1,
      "closed": 1,
      "failed": 0,
    });
    assert.equal(after.appended, 5);
    assert.equal(after.delivered, 4);
    const lost = fixture.events.filter(({ name }) => name === "dropped")
      .map(({ message }) =>
        /^team\/project: (\d+) records? (?:is|are) lost \((.+?)\):/.exec(message)!
      )
      .map(([, count, cause]) => `${count} ${cause}`);
    // The first is reported at once, the total at the end.
    assert.deepEqual(lost.sort(), [
      "1 closed",
      "1 memory-full",
      "1 refused-in-memory",
      "6 memory-full",
    ]);
  });
});

test("quota: records that do not fit are dropped, counted, and reported once", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    await fixture.mock.stop();
    const pipeline = fixture.open({ maxDiskBytes: 20_000 });
    appendCalls(pipeline, "a", 200);
    const { appended, dropped, disk, pendingRecords } = await pipeline.stats();
    assert.equal(appended + dropped["quota-new"], 400);
    assert.ok(appended > 40 && dropped["quota-new"] > 0);
    assert.equal(pendingRecords, appended);
    assert.ok(disk!.usedBytes <= 20_000, `${disk!.usedBytes} bytes`);
    assert.equal(fixture.events.filter(({ name }) => name === "dropped").length, 1);
    await fixture.mock.restart();
    assert.equal((await pipeline.finish()).delivered, appended);
  });
});

test("quota: the count starts with the existing files", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const writer = fixture.open({ sender: false, maxDiskBytes: 20_000 });
    appendCalls(writer, "a", 200);
    const { appended } = await writer.stats();
    await writer.finish();
    const second = fixture.open({ sender: false, maxDiskBytes: 20_000 });
    await second.stats(); // Disk usage is counted in the background.
    appendCalls(second, "b", 10);
    assert.ok((await second.stats()).appended < 10);
    await second.finish();
    const result = await fixture.open({ maxDiskBytes: 20_000 }).finish();
    assert.ok(result.delivered >= appended);
    // Only the files that report dropped records are left.
    const { files } = detectRuntime();
    assert.equal(fixture.files().length, 2);
    for (const name of fixture.files()) {
      const { ended, log } = readPresence({ files }, join(fixture.walDir, ".processes", name))!;
      assert.ok(ended && log!.dropped["quota-new"] > 0);
    }
  });
});

test("quota: once delivered records are removed there is room again", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const pipeline = fixture.open({ maxDiskBytes: 20_000, segmentBytes: 4_000 });
    let dropped = 0;
    for (let round = 0; round < 10; round++) {
      appendCalls(pipeline, `r${round}-`, 20);
      await pipeline.flush();
      dropped = (await pipeline.stats()).dropped["quota-new"];
    }
    assert.equal(dropped, 0);
    assert.equal((await pipeline.finish()).delivered, 400);
  });
});

test("quota: drop-oldest drops the oldest segments and counts their records", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    await fixture.mock.stop();
    const pipeline = fixture.open({
      maxDiskBytes: 40_000,
      segmentBytes: 4_000,
      quotaPolicy: "drop-oldest",
    });
    for (let i = 0; i < 200; i++) {
      appendCalls(pipeline, `c${i}-`, 1);
      // Segments are evicted in the background while the program continues.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    while ((await pipeline.stats()).disk!.usedBytes > 38_000) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    appendCalls(pipeline, "newest-", 1);
    const { appended, dropped, pendingRecords } = await pipeline.stats();
    assert.ok(dropped["quota-oldest"] > 0);
    assert.equal(appended + dropped["quota-new"], 402);
    assert.equal(pendingRecords + dropped["quota-oldest"], appended);
    await fixture.mock.restart();
    const result = await pipeline.finish();
    // More may have been dropped since the counts.
    const { dropped: all } = await pipeline.stats();
    assert.equal(result.delivered + all["quota-oldest"], appended);
    const ids = fixture.mock.store.calls("team/project").map(({ id }) => id);
    assert.ok(ids.includes("newest-0"), "the newest call arrived");
    assert.ok(!ids.includes("c0-0"), "the oldest was given up");
  });
});

test("disk: a log that is removed during writing continues, and loses nothing", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    await fixture.mock.stop();
    const pipeline = fixture.open();
    appendCalls(pipeline, "a", 5);
    rmSync(join(fixture.directory, ".weave"), { recursive: true, force: true });
    appendCalls(pipeline, "b", 5);
    await fixture.event("log-removed");
    appendCalls(pipeline, "c", 5);
    assert.ok(fixture.files().some((name) => name.endsWith(".jsonl")), "a new file was begun");
    await fixture.mock.restart();
    const result = await pipeline.finish();
    assert.equal(result.done, true);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 15);
  });
}, { timeout: HEARTBEAT_MS * 10 });

test("disk: a link at the path of the directory is not followed; memory takes over, then the disk", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    const elsewhere = join(fixture.directory, "elsewhere");
    const entity = join(fixture.walDir, "team");
    mkdirSync(elsewhere);
    mkdirSync(entity, { recursive: true });
    symlinkSync(elsewhere, join(entity, "project"));
    const pipeline = fixture.open({ requireDisk: false });
    appendCalls(pipeline, "a", 5);
    assert.match((await fixture.event("disk-failed")).message, /link/);
    assert.equal((await pipeline.stats()).log, "memory");
    assert.equal((await pipeline.finish()).delivered, 10);
    renameSync(elsewhere, join(fixture.directory, "untouched"));
    assert.equal(fixture.events.filter(({ name }) => name === "disk-failed").length, 1);
  });
});

test("disk: a file at the path of an explicitly set directory is an error", async () => {
  await withDelivery({}, async (fixture) => {
    writeFileSync(join(fixture.directory, ".weave"), "");
    assert.throws(() => fixture.open(), { code: "ERR_LOG_UNWRITABLE", message: /wal/ });
    const pipeline = fixture.open({ requireDisk: false });
    appendCalls(pipeline, "a", 1);
    await fixture.event("disk-failed");
    assert.equal((await pipeline.finish()).delivered, 2);
  });
});
