import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dataset, type InitOptions, op } from "../../../mod.ts";
import { hostFetch } from "../../../src/client/server/host_fetch.ts";
import { openClient } from "../../../src/client/open_client.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WeaveClient } from "../../../src/client/weave_client/client.ts";
import { setGlobalClient } from "../../../src/client/global_client.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { isProvisional } from "../../../src/protocol/digest/provisional.ts";
import { test } from "../../harness.ts";

async function offline(
  body: (mock: MockServer, open: (more?: InitOptions) => Promise<WeaveClient>) => Promise<void>,
): Promise<void> {
  const mock = await startMockServer();
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-offline-"));
  const clients: WeaveClient[] = [];
  const open = async (more: InitOptions = {}): Promise<WeaveClient> => {
    const client = await openClient("team/demo", {
      apiKey: "key",
      serverUrl: mock.url,
      wal: true,
      walDir,
      lingerMs: 5,
      retryMaxMs: 20,
      printCallLink: false,
      logLevel: "critical",
      ...more,
    }, { runtime: detectRuntime(), fetch: hostFetch, sink: console, openPipeline });
    clients.push(client);
    return client;
  };
  try {
    await body(mock, open);
    assert.deepEqual(
      readdirSync(walDir, { recursive: true }).filter((name) => String(name).endsWith(".jsonl"))
        .filter((name) => name !== ".digests.jsonl"),
      [],
    );
  } finally {
    setGlobalClient(null);
    for (const client of clients) await client.finish({ timeout: 1 });
    await mock.stop();
    rmSync(walDir, { recursive: true, force: true });
  }
}

const rows = [{ question: "What is kept?", n: 1 }, { question: "Where?", n: 2 }];

test("offline: a dataset published while offline is read back through its ref", async () => {
  await offline(async (mock, open) => {
    await mock.stop();
    const writer = await open({ sender: false });
    const ref = await writer.publish(new Dataset({ name: "questions", rows }));
    assert.ok(isProvisional(ref.digest), "nobody could tell the project's internal id");
    await writer.finish();
    await mock.restart();
    const reader = await open();
    assert.equal((await reader.flush()).done, true);
    setGlobalClient(reader);
    const dataset = await reader.get(ref) as Dataset<(typeof rows)[number]>;
    const found: unknown[] = [];
    for await (const row of dataset) found.push({ question: row.question, n: row.n });
    assert.deepEqual(found, rows);
    assert.equal(mock.store.counts.danglingRows, 0);
    await reader.finish();
  });
});

test("offline: refs in later records, including those of later processes, get the server's digest", async () => {
  await offline(async (mock, open) => {
    await mock.stop();
    const first = await open({ sender: false });
    const dataset = await first.publish(new Dataset({ name: "questions", rows }));
    // An object that refers to an object with a provisional digest.
    const outer = await first.publish({ uses: dataset.uri() }, "outer");
    assert.ok(isProvisional(outer.digest));
    setGlobalClient(first);
    op(function evaluate(data: string) {
      return { on: data };
    })(outer.uri());
    await first.finish();
    await mock.restart();
    assert.equal((await (await open()).finish()).done, true);
    const second = await open();
    setGlobalClient(second);
    op(function again(data: string) {
      return data;
    })(outer.uri());
    assert.equal((await second.finish()).done, true);
    const calls = mock.store.calls("team/demo");
    assert.equal(calls.length, 2);
    assert.doesNotMatch(JSON.stringify(calls), /PROVISIONAL/);
    const latest = mock.store.object("team/demo", "outer")!;
    assert.doesNotMatch(JSON.stringify(latest), /PROVISIONAL/);
    for (const call of calls) {
      assert.match(JSON.stringify(call.inputs), new RegExp(`object/outer:${latest.digest}`));
    }
    const { uses } = latest.val as { uses: string };
    const { digest } = mock.store.object("team/demo", "questions")!;
    assert.equal(uses, `weave:///team/demo/object/questions:${digest}`);
  });
});

test("offline: a table whose rows only the server can digest gets the server's digest", async () => {
  await offline(async (mock, open) => {
    await mock.stop();
    const writer = await open({ sender: false });
    const holdsRef = (n: number) => ({ n, model: "weave:///team/demo/object/model:abc" });
    const { digest, row_digests } = writer.tableCreate([holdsRef(1), holdsRef(2)]);
    assert.ok(isProvisional(digest));
    const turned = writer.tableCreateFromDigests([...row_digests].reverse());
    assert.ok(isProvisional(turned.digest));
    const unknown = { digest: undefined, row_digests: undefined };
    const append = [{ append: { row: holdsRef(3) } }];
    assert.deepEqual(writer.tableUpdate(digest, append, row_digests), unknown);
    const plain = writer.tableCreate([{ n: 1 }]);
    assert.deepEqual(writer.tableUpdate(plain.digest, append, plain.row_digests), unknown);
    const inputs = { table: `weave:///team/demo/table/${turned.digest}` };
    writer.callEnd(writer.callStart({ op_name: "uses", inputs }));
    await writer.finish();
    await mock.restart();
    const reader = await open();
    const { done, deadLettered } = await reader.finish();
    assert.deepEqual([done, deadLettered], [true, 0]);
    const [call] = mock.store.calls("team/demo");
    const uri = (call.inputs as { table: string }).table;
    const { tables, rows } = mock.store.project("team/demo");
    const found = tables.get(uri.split("/").at(-1)!)!;
    assert.deepEqual(found.map((row) => rows.get(row)), [holdsRef(2), holdsRef(1)]);
    assert.equal(mock.store.counts.danglingRows, 0);
  });
});

test("offline: without a log on disk the refs are resolved in memory", async () => {
  await offline(async (mock, open) => {
    mock.faults.add({ path: "/service/projects_info", status: 404 });
    const client = await open({ wal: false });
    const dataset = client.objCreate("inner", { table: "weave:///team/demo/table/x" });
    assert.ok(isProvisional(dataset.digest));
    const ref = `weave:///team/demo/object/inner:${dataset.digest}`;
    client.callEnd(client.callStart({ op_name: "uses", inputs: { ref } }));
    assert.equal((await client.finish()).done, true);
    const [call] = mock.store.calls("team/demo");
    const { digest } = mock.store.object("team/demo", "inner")!;
    assert.deepEqual(call.inputs, { ref: `weave:///team/demo/object/inner:${digest}` });
  });
});
