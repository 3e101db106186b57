/**
 * Reads right after writes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finish, init, publish } from "../../../src/client/init.ts";
import type { WeaveClient } from "../../../src/client/weave_client/client.ts";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { DatasetRowRef, ObjectRef } from "../../../src/client/objects/object_ref.ts";
import { StringPrompt } from "../../../src/client/objects/prompts.ts";
import { op } from "../../../src/client/op/op.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

interface Place {
  readonly mock: MockServer;
  readonly options: InitOptions;
  open(project?: string, more?: InitOptions): Promise<WeaveClient>;
}

/** A server and a folder; nothing is sent until a read waits for it. */
async function place(body: (place: Place) => Promise<void>): Promise<void> {
  await using mock = await startMockServer();
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-read-"));
  const options: InitOptions = {
    apiKey: "key",
    serverUrl: mock.url,
    baseUrl: mock.url,
    wal: true,
    walDir,
    lingerMs: 600_000,
    printCallLink: false,
    logLevel: "critical",
  };
  try {
    await body({
      mock,
      options,
      open: (project = "team/read", more = {}) => init(project, { ...options, ...more }),
    });
  } finally {
    mock.faults.clear();
    await finish({ timeout: 5_000 }).catch(() => {});
    rmSync(walDir, { recursive: true, force: true });
  }
}

for (const wal of [true, false]) {
  test(`reads: just-written records can be read (log on disk: ${wal})`, async () => {
    await place(async ({ open }) => {
      const client = await open("team/read", { wal });
      const rows = [{ question: "What?", n: 1 }, { question: "Why?", n: 2 }];
      const dataset = await client.get(await new Dataset({ name: "rows", rows }).save());
      assert.deepEqual([(dataset as Dataset).length, { ...(dataset as Dataset).getRow(1) }], [
        2,
        rows[1],
      ]);
      assert.deepEqual(await (await publish({ n: 7 }, "settings")).get(), { n: 7 });
      const prompt = await client.publish(new StringPrompt({ name: "p", content: "Hello {name}" }));
      assert.equal(
        (await StringPrompt.get(client, prompt.uri())).format({ name: "Ada" }),
        "Hello Ada",
      );
      const double = op(function double(n: number) {
        return 2 * n;
      });
      const [, call] = await double.invoke(21);
      assert.equal((await client.getCall(call.id)).output, 42);
      client.callUpdate(call.id, "renamed");
      assert.equal((await client.getCalls({ call_ids: [call.id] }))[0].display_name, "renamed");
      const { digest } = client.fileCreate("a.txt", "content");
      assert.equal(new TextDecoder().decode(await client.fileContent(digest)), "content");
      const saved = (await publish(double)).get();
      assert.equal((await saved as Any).weave_type.type, "Op");
    });
  });
}

test("reads: a ref is read by the client of its project, which knows its undelivered records", async () => {
  await place(async ({ open }) => {
    const first = await open("team/first");
    await open("team/second");
    const dataset = new Dataset({ name: "rows", rows: [{ n: 1 }] });
    const ref = await first.publish(dataset);
    const found = await ref.get() as Dataset;
    assert.equal(found.length, 1);
    assert.equal((await ref.get() as Dataset).getRow(0).n, 1);
  });
});

test("reads: orphaned segments of other processes do not delay them", async () => {
  await place(async ({ mock, open }) => {
    const earlier = await open("team/read", { sender: false });
    for (let i = 0; i < 5; i++) await earlier.publish({ backlog: i }, "backlog");
    await earlier.finish();
    mock.faults.add({ bodyHas: "backlog", hang: true });
    const client = await open();
    assert.deepEqual(await (await client.publish({ n: 1 }, "own")).get(), { n: 1 });
  });
});

test("reads: an unreachable server is reported, and the record is kept", async () => {
  await place(async ({ mock, open }) => {
    const client = await open("team/read", { retryMaxMs: 200 });
    await client.publish({ n: 0 }, "first");
    await client.flush();
    await mock.stop();
    const ref = await client.publish({ n: 1 }, "second");
    await assert.rejects(ref.get(), (error: Any) => {
      assert.equal(error.code, "ERR_REQUEST_FAILED");
      assert.match(
        error.message,
        /^Cannot read \/obj\/read: the server does not accept requests \(.+\)/,
      );
      assert.match(error.message, /are pending, and are sent when it does/);
      return true;
    });
    await assert.rejects(client.getCalls(), /does not accept requests/);
    await mock.restart();
    assert.deepEqual(await ref.get(), { n: 1 });
  });
});

test("reads: a rejected key is reported at once", async () => {
  await place(async ({ mock, open }) => {
    mock.faults.add({ status: 401, body: { detail: "invalid key" } });
    const client = await open();
    const ref = await client.publish({ n: 1 }, "own");
    await assert.rejects(ref.get(), /does not accept requests \(HTTP 401/);
  });
});

test("reads: if another process sends, the error about a missing object says so", async () => {
  await place(async ({ open }) => {
    const client = await open("team/read", { sender: false });
    const ref = await client.publish({ n: 1 }, "own");
    await assert.rejects(ref.get(), (error: Any) => {
      assert.equal(error.status, 404);
      assert.match(error.message, /is not sent by itself \(its sender is off\)/);
      return true;
    });
    await assert.rejects(client.getCall("none"), /sender is off/);
  });
});

test("reads: the wait is bounded, and a missing object is reported with it", async () => {
  const answer = () => new Response('{"reason":"no such object"}', { status: 404 });
  using fixture = await clientFixture({}, { answer });
  const { client, pipeline } = fixture;
  const ref = new ObjectRef("team/demo", "none", "x");
  await assert.rejects(client.get(ref), (error: Any) => {
    assert.match(error.message, /no such object$/);
    return error.status === 404;
  });
  pipeline.wait = { end: "timeout" };
  await assert.rejects(client.get(ref), /no such object; .* not delivered yet, after 10 s$/);
  await assert.rejects(client.fileContent("x"), /not delivered yet/);
  assert.deepEqual(pipeline.waited, [10_000, 10_000, 10_000]);
  await assert.rejects(client.serverInfo(), /no such object$/);
  assert.equal(pipeline.waited.length, 3, "what shows no writes waits for none");
});

test("datasets: rows have refs once the dataset is saved", async () => {
  await place(async ({ mock, open }) => {
    const client = await open();
    const rows = [{ n: 1 }, Object.freeze({ n: 2 })];
    const dataset = new Dataset({ name: "rows", rows });
    const before = dataset.getRow(0);
    assert.equal(before.__savedRef, undefined);
    const saving = dataset.save();
    const pending = await dataset.getRow(1).__savedRef;
    const ref = await saving;
    assert.ok(pending instanceof DatasetRowRef);
    const row = dataset.getRow(0);
    const rowRef = row.__savedRef as DatasetRowRef;
    assert.ok(rowRef instanceof DatasetRowRef);
    assert.match(rowRef.uri(), /^weave:\/\/\/team\/read\/object\/rows:\w+\/attr\/rows\/id\/\w+$/);
    assert.ok(rowRef.uri().startsWith(ref.uri()));
    assert.deepEqual(before.__savedRef, rowRef, "a row that was taken before knows it too");
    assert.notEqual(pending.rowDigest, rowRef.rowDigest);
    assert.deepEqual([Object.keys(row), JSON.stringify(row), { ...row }], [["n"], '{"n":1}', {
      n: 1,
    }]);
    assert.deepEqual(rows, [{ n: 1 }, { n: 2 }], "the program's own rows are left as they are");
    op(function uses(given: object) {
      return given;
    })(row);
    await client.flush();
    const [call] = mock.store.calls("team/read");
    assert.deepEqual(call.inputs, { arg0: rowRef.uri() });
    const again = await client.get(ref) as Dataset;
    assert.deepEqual(again.getRow(0).__savedRef, rowRef);
  });
});
