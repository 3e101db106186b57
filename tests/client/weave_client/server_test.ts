import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dataset, init, type InitOptions, op, type WeaveClient, weaveImage } from "../../../mod.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { bareRuntime } from "../../../src/runtime/edge/edge_runtime.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { exceptionMessage } from "../../support/client/exception_message.ts";

interface Place extends AsyncDisposable {
  readonly options: InitOptions;
  readonly events: string[];
}

/** Options for a client with its own log. */
function place(serverUrl: string, more: InitOptions = {}): Place {
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-client-"));
  const events: string[] = [];
  return {
    events,
    options: {
      apiKey: "key",
      serverUrl,
      wal: true,
      walDir,
      lingerMs: 5,
      retryMaxMs: 50,
      printCallLink: false,
      logLevel: "critical",
      onEvent: ({ name }) => events.push(name),
      ...more,
    },
    // deno-lint-ignore require-await -- the interface's
    async [Symbol.asyncDispose]() {
      rmSync(walDir, { recursive: true });
    },
  };
}

/** Performs every kind of write. */
async function writeEverything(client: WeaveClient): Promise<void> {
  const call = client.callStart({ op_name: "by-hand", inputs: { a: 1 } });
  client.callEnd({ ...call, output: "done" });
  client.callUpdate(call.id, "renamed");
  const deleted = client.callStart({ op_name: "deleted" });
  client.callEnd(deleted);
  client.callsDelete([deleted.id]);
  client.objCreate("thing", { text: "é😀", n: 1e-7 });
  const table = client.tableCreate([{ x: 1 }, { x: 2 }]);
  const changed = client.tableUpdate(
    table.digest,
    [{ append: { row: { x: 3 } } }],
    table.row_digests,
  );
  client.tableCreateFromDigests(changed.row_digests!.slice(1));
  client.fileCreate("text.txt", "hello");
  client.fileCreate("bytes.bin", new Uint8Array([0, 255, 128]));
  const weave_ref = `weave:///team/demo/call/${call.id}`;
  const note = client.feedbackCreate({ weave_ref, feedback_type: "note", payload: { a: 1 } });
  client.feedbackCreate([
    { weave_ref, feedback_type: "note", payload: { a: 2 } },
    { weave_ref, feedback_type: "note", payload: { a: 3 } },
  ]);
  client.feedbackReplace({
    weave_ref,
    feedback_type: "note",
    payload: { a: 4 },
    feedback_id: note.id,
  });
  client.costCreate({ gpt: { prompt_token_cost: 1, completion_token_cost: 2 } });
  await client.addScore(call.id, deleted.id, "weave:///team/demo/op/scorer:abc", true);
}

for (const callMode of ["old", "new", "complete"] as const) {
  test(`client: a server (${callMode} calls) accepts one of every write`, async () => {
    await using mock = await startMockServer({
      callMode,
      filePaths: callMode === "old" ? "old" : "new",
      feedbackBatch: callMode !== "old",
      apiKey: "key",
    });
    await using here = place(mock.url);
    const client = await init("team/demo", here.options);
    await writeEverything(client);
    const result = await client.finish();
    assert.deepEqual({ ...result, delivered: 0 }, {
      done: true,
      pendingBytes: 0,
      pendingRecords: 0,
      delivered: 0,
      deadLettered: 0,
    });
    const project = mock.store.project("team/demo");
    const calls = mock.store.calls("team/demo").filter(({ deleted_at }) => !deleted_at);
    assert.deepEqual(calls.map(({ display_name, output }) => [display_name, output]), [
      ["renamed", "done"],
    ]);
    assert.equal(project.tables.size, 3);
    assert.deepEqual([...project.files.values()].map(({ name, size }) => [name, size]), [
      ["text.txt", 5],
      ["bytes.bin", 3],
    ]);
    assert.equal(project.feedback.size, 4);
    assert.equal(project.costs.length, 1);
    assert.deepEqual(here.events.filter((name) => name === "dead-letter"), []);
  });
}

test("client: a tree of calls arrives with its op and its values", async () => {
  await using mock = await startMockServer();
  await using here = place(mock.url);
  await using client = await init("team/demo", here.options);
  const embed = op(async function embed(text: string) {
    await Promise.resolve();
    return { length: text.length };
  }, { summarize: () => ({ usage: { m: { tokens: 2 } } }) });
  const root = op(async function root(texts: string[]) {
    const all = await Promise.all(texts.map((text) => embed(text)));
    throw new Error(`saw ${all.length}`);
  });
  await assert.rejects(root(["a", "bb"]), /saw 2/);
  assert.equal((await client.flush()).done, true);
  const calls = await client.getCalls();
  const top = calls.find(({ parent_id }) => !parent_id)!;
  assert.match(top.op_name!, /\/op\/root:/);
  assert.equal(exceptionMessage(top.exception), "saw 2");
  assert.deepEqual((top.summary as Record<string, unknown>).usage, {
    m: { requests: 2, tokens: 4 },
  });
  const children = calls.filter(({ parent_id }) => parent_id === top.id);
  assert.deepEqual(children.map(({ output }) => output), [{ length: 1 }, { length: 2 }]);
  const saved = mock.store.object("team/demo", "embed")!;
  assert.equal(children[0].op_name, `weave:///team/demo/op/embed:${saved.digest}`);
  const [digest] = Object.values((saved.val as { files: Record<string, string> }).files);
  const source = new TextDecoder().decode(await client.fileContent(digest));
  assert.match(source, /async function embed/);
});

test("client: a published dataset is read back through its refs", async () => {
  await using mock = await startMockServer();
  await using here = place(mock.url);
  await using client = await init("team/demo", here.options);
  const rows = [{ q: "é", a: 1.5 }, { q: "😀", a: -0 }];
  const ref = await client.publish(new Dataset({ name: "qa", rows }));
  const image = await client.publish({ icon: weaveImage({ data: new Uint8Array([9, 8]) }) }, "img");
  await client.flush();
  const back = await client.get(ref) as Dataset<{ q: string; a: number }>;
  assert.deepEqual([back.getRow(0).q, back.getRow(1).q, back.length], ["é", "😀", 2]);
  const { icon } = await client.get(image) as { icon: { files: Record<string, string> } };
  const bytes = await client.fileContent(Object.values(icon.files)[0]);
  assert.deepEqual([...bytes], [9, 8]);
});

test("client: without a log it works over memory and leaves nothing behind", async () => {
  await using mock = await startMockServer();
  await using here = place(mock.url, { wal: false });
  const client = await init("team/demo", here.options);
  op(function plain() {
    return 1;
  })();
  assert.equal((await client.finish()).done, true);
  assert.equal(mock.store.finishedCount(), 1);
  assert.deepEqual(readdirSync(here.options.walDir!), []);
});

const host = detectRuntime();
const FILE_SYSTEMS: [string, Runtime, boolean][] = [
  ["that is not there", bareRuntime(), true],
  [
    "that takes nothing",
    // Even root cannot create a directory in /proc.
    { ...host, process: Object.create(host.process, { cwd: { value: () => "/proc" } }) },
    existsSync("/proc/self"),
  ],
];

for (const [which, runtime, here] of FILE_SYSTEMS) {
  test(
    `client: a file system ${which} is reported once, and records arrive from memory`,
    async () => {
      await using mock = await startMockServer();
      const logged: string[] = [];
      const client = await init("team/demo", {
        apiKey: "key",
        serverUrl: mock.url,
        wal: true,
        runtime,
        printCallLink: false,
        logLevel: "critical",
        onEvent: ({ level, name }) => void (/warn|error/.test(level) && logged.push(name)),
      });
      const noop = op(function noop() {});
      noop();
      assert.equal((await client.flush()).done, true);
      assert.equal((await client.stats()).log, "memory");
      noop();
      assert.equal((await client.finish()).done, true);
      assert.equal(mock.store.finishedCount(), 2);
      assert.deepEqual(logged, ["disk-failed"]);
    },
    { skip: !here && "needs Linux's /proc" },
  );
}

test("client: an explicitly set directory that cannot be created is an error at init", async () => {
  await using here = place("http://127.0.0.1:1");
  const walDir = join(here.options.walDir!, "file");
  writeFileSync(walDir, "in the way");
  await assert.rejects(init("team/demo", { ...here.options, walDir }), (error: Error) => {
    assert.match(error.message, /Cannot write the log in directory: ".*file".*walDir/);
    return (error as { code?: string }).code === "ERR_LOG_UNWRITABLE";
  });
});
