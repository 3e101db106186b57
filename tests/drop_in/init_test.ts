/**
 * `init` of the official SDK with and without a server, an entity or a disk, and the
 * explicit form.
 *
 * @module
 */

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { WeaveWalError } from "../../src/errors.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { durable } from "../../src/drop_in/durable.ts";
import { test } from "../harness.ts";
import { bundled } from "../support/bundle.ts";
import { SdkProject } from "../support/drop_in/register_fixture.ts";

const ON = { WEAVE_ENABLE_WAL: "true" };

test("register: init uses the cached default entity when the server is unreachable", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer({ defaultEntity: "my-team" });
  const options = {
    before: ["plain_http.mjs"],
    env: { ...ON, WF_TRACE_SERVER_URL: mock.url, WANDB_BASE_URL: mock.url, PROJECT: "short" },
  };
  const online = await project.run("plain.cjs", options);
  assert.equal(online.code, 0, online.errors);
  assert.ok(online.lines.includes("Initializing project: my-team/short"));
  assert.equal(mock.store.finishedCount("my-team/short"), 1);

  await mock.stop();
  project.settings({ exitDrainMs: 100 });
  const offline = await project.run("plain.cjs", options);
  assert.equal(offline.code, 0, offline.errors);
  assert.ok(offline.lines.includes("Initializing project: my-team/short"));
  assert.ok(offline.lines.includes("result 42"));
  assert.doesNotMatch(offline.errors, /graphql|defaultEntity|initialization/);

  await mock.restart();
  project.settings({ exitDrainMs: 20_000 });
  await project.run("plain.cjs", options);
  assert.equal(mock.store.finishedCount("my-team/short"), 3);
});

test("register: an unknown entity is the SDK's own error", async () => {
  using project = new SdkProject();
  const mock = await startMockServer();
  await mock.stop();
  const { code, errors } = await project.run("plain.cjs", {
    before: ["plain_http.mjs"],
    env: { ...ON, WF_TRACE_SERVER_URL: mock.url, WANDB_BASE_URL: mock.url, PROJECT: "short" },
  });
  assert.notEqual(code, 0);
  assert.match(errors, /Error in defaultEntityName/);
});

test("register: init without a call sends the records of an earlier run", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  const env = { ...ON, WF_TRACE_SERVER_URL: mock.url };
  const wrote = await project.run("plain.cjs", {
    env: { ...env, WEAVE_DISABLE_WAL_SENDER: "true" },
  });
  assert.equal(wrote.code, 0, wrote.errors);
  assert.equal(mock.store.callCount(), 0);
  assert.equal((await project.run("init_only.mjs", { env })).code, 0);
  assert.equal(mock.store.finishedCount("team/plain"), 1);
});

test("register: a worker that loads it is durable as its parent is", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  const env = { ...ON, WF_TRACE_SERVER_URL: mock.url, PROJECT: "team/workers" };
  const { code, lines, errors } = await project.run("workers.mjs", {
    preload: false,
    env: { ...env, REGISTER: pathToFileURL(bundled("src/drop_in/register.ts")).href },
  });
  assert.equal(code, 0, errors);
  assert.equal(lines.at(-1), "7 0");
  // Code cannot observe the end of a Deno worker: its records are sent by the next
  // program.
  assert.equal((await project.run("init_only.mjs", { env })).code, 0);
  assert.equal(mock.store.finishedCount("team/workers"), 3);
  assert.ok(!mock.journal.entries.some(({ path }) => path === "/call/upsert_batch"));
});

test("register: if the disk cannot be written, calls are delivered from memory", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  mkdirSync(join(project.directory, ".weave"));
  writeFileSync(join(project.directory, ".weave/wal"), "a file where the directory should be");
  const env = { ...ON, WF_TRACE_SERVER_URL: mock.url };
  const { code, lines, errors } = await project.run("plain.cjs", { env });
  assert.equal(code, 0, errors);
  assert.ok(lines.includes("result 42"));
  assert.equal(errors.match(/cannot write the log on disk/g)?.length, 1, errors);
  assert.equal(mock.store.finishedCount("team/plain"), 1);
});

test("register: the explicit form makes one client durable", async () => {
  using project = new SdkProject();
  await using mock = await startMockServer();
  const env = {
    WF_TRACE_SERVER_URL: mock.url,
    DURABLE: pathToFileURL(bundled("src/drop_in/durable.ts")).href,
    // An earlier call stays in the SDK's queue until it is sent, and is recorded then.
    EARLY: "1",
  };
  const { code, lines, errors } = await project.run("explicit.mjs", { preload: false, env });
  assert.equal(code, 0, errors);
  const printed = lines.filter((line) => !line.startsWith("Initializing"));
  assert.deepEqual(printed, ["true true", "42", "true false", "1"]);
  // The last call was not sent: the program terminated itself, and the log contains it.
  assert.equal(mock.store.finishedCount("team/explicit"), 2);
  const next = await project.run("explicit.mjs", { preload: false, env });
  assert.equal(next.code, 0, next.errors);
  assert.equal(mock.store.finishedCount("team/explicit"), 5);
});

test("register: flush of the explicit form reports the remaining records without a server", async () => {
  using project = new SdkProject();
  const mock = await startMockServer();
  await mock.stop();
  const { code, lines, errors } = await project.run("explicit.mjs", {
    preload: false,
    env: {
      WF_TRACE_SERVER_URL: mock.url,
      DURABLE: pathToFileURL(bundled("src/drop_in/durable.ts")).href,
      FLUSH_MS: "300",
    },
  });
  assert.equal(code, 0, errors);
  assert.deepEqual(lines.slice(1), ["true true", "42", "false true"]);
});

test("register: the explicit form rejects what is not a client, and a directory that it cannot write", () => {
  const isError = (code: string) => (error: unknown) =>
    error instanceof WeaveWalError && error.code === code;
  assert.throws(() => durable(Promise.resolve({})), isError("ERR_INVALID_OPTION"));
  using project = new SdkProject();
  const file = join(project.directory, "file");
  writeFileSync(file, "");
  chmodSync(file, 0o600);
  const client = {
    projectId: "team/p",
    traceServerApi: {
      baseUrl: "http://127.0.0.1:9",
      baseApiParams: { headers: {} },
      customFetch: fetch,
    },
  };
  assert.throws(() => durable(client, { walDir: file }), isError("ERR_LOG_UNWRITABLE"));
  assert.throws(
    () => durable(client, { lingerMs: -1 }),
    isError("ERR_INVALID_OPTION"),
  );
  assert.equal(client.traceServerApi.customFetch, fetch, "the client is left as it was");
});
