import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { globalClient } from "../../src/client/global_client.ts";
import { finish, flush, init, publish } from "../../src/client/init.ts";
import { setGlobalClient } from "../../src/client/global_client.ts";
import { op } from "../../src/client/op/op.ts";
import { VERSION } from "../../src/version.ts";
import { type Any, clientFixture, type Fixture } from "../support/client/client_fixture.ts";
import { test } from "../harness.ts";

const entityAnswer = (name: string | null) => () =>
  Response.json({ data: { viewer: { username: "ada", defaultEntity: name && { name } } } });

test("init: the name gives entity and project, and names that a path cannot contain are refused", async () => {
  using fixture = await clientFixture({}, { project: "team/my project" });
  assert.equal(fixture.client.projectId, "team/my project");
  assert.equal(fixture.client.entity, "team");
  assert.equal(fixture.client.project, "my project");
  const bad = ["", "/", "team/", "/demo", "team/a/b", "team/..", "../demo", "team/.", "a\\b/c"];
  for (const project of [...bad, "team/\0", "team/a\nb", "team/\ud800", "t/" + "x".repeat(129)]) {
    await assert.rejects(clientFixture({}, { project }), { code: "ERR_INVALID_NAME" }, project);
  }
  await assert.rejects(clientFixture({}, { project: 7 as Any }), {
    code: "ERR_INVALID_NAME",
    message: /project: 7 is not text/,
  });
  for (const options of [null, 7, "wal", []]) {
    await assert.rejects(init("team/demo", options as Any), { code: "ERR_INVALID_OPTION" });
  }
});

test("init: without an entity the key's default is requested and remembered", async () => {
  const options = { wal: true, walDir: "/var/wal" };
  using first = await clientFixture(options, { project: "demo", answer: entityAnswer("ada") });
  assert.equal(first.client.projectId, "ada/demo");
  const [{ url, init }] = first.requests;
  assert.equal(url, "https://api.wandb.ai/graphql");
  assert.match(init.body as string, /viewer \{ username defaultEntity \{ name \} \}/);
  assert.equal((init.headers as Any).Authorization, `Basic ${btoa("api:secret-key")}`);
  const { disk } = first.runtime;
  const away = () => {
    throw new TypeError("fetch failed");
  };
  using second = await clientFixture(options, { project: "demo", disk, answer: away });
  assert.equal(second.client.projectId, "ada/demo");
  const env = { WANDB_API_KEY: "another-key" };
  await assert.rejects(
    clientFixture(options, { project: "demo", disk, env, answer: away }),
    {
      code: "ERR_REQUEST_FAILED",
      message: /Cannot find the default entity.*init\("entity\/project"\)/,
    },
  );
});

test("init: a missing or invalid entity in the server's response is an error", async () => {
  await assert.rejects(clientFixture({}, { project: "demo", answer: entityAnswer(null) }), {
    code: "ERR_REQUEST_FAILED",
    message: /names no default entity/,
  });
  await assert.rejects(clientFixture({}, { project: "demo", answer: entityAnswer("../x") }), {
    code: "ERR_INVALID_NAME",
  });
  await assert.rejects(
    clientFixture({}, { project: "demo", answer: () => new Response("no", { status: 403 }) }),
    { code: "ERR_REQUEST_FAILED", status: 403 },
  );
});

test("init: the pipeline gets the settings, and an explicitly set directory is required", async () => {
  using plain = await clientFixture({ wal: true, lingerMs: 7 });
  const options = plain.pipeline.options!;
  assert.equal(options.entity, "team");
  assert.equal(options.project, "demo");
  assert.equal(options.walDir, "/.weave/wal");
  assert.equal(options.lingerMs, 7);
  assert.equal(options.requireDisk, false);
  assert.match(options.token(), /^[0-9a-f]{32}$/);
  assert.notEqual(options.token(), options.token());
  using asked = await clientFixture({ wal: true, walDir: "/var/wal" });
  assert.equal(asked.pipeline.options!.requireDisk, true);
});

test("init: ids are generated from the given random source", async () => {
  const ids = async () => {
    using fixture = await clientFixture({ random: () => 0.5 });
    return fixture.client.callStart({ op_name: "o" }).id.slice(14);
  };
  assert.equal(await ids(), await ids());
});

test("init: events are passed to the listener and logged by their level, and errors of either are ignored", async () => {
  const names: string[] = [];
  using fixture = await clientFixture({
    logLevel: "warning",
    onEvent: ({ name }) => {
      names.push(name);
      throw new Error("a listener's mistake");
    },
  });
  const { onEvent } = fixture.pipeline.options!;
  onEvent({ level: "info", name: "server-up", message: "The server is back" });
  onEvent({ level: "warn", name: "server-down", message: "The server is away" });
  assert.deepEqual(names, ["server-up", "server-down"]);
  assert.deepEqual(fixture.warned, ["weave-wal: The server is away"]);
});

test("finish: ops are plain calls afterwards, and a second client takes over from the first", async () => {
  using first = await clientFixture();
  using second = await clientFixture();
  const noop = op(function noop() {});
  noop();
  assert.equal(first.pipeline.records.length, 0);
  assert.equal(second.pipeline.callsOf("noop").length, 1);
  await first.client.finish();
  noop();
  assert.equal(second.pipeline.callsOf("noop").length, 2, "the first client's end is its own");
  const result = await finish({ timeout: 5 });
  assert.equal(result.done, true);
  assert.deepEqual(second.pipeline.finished, [{ timeout: 5 }]);
  assert.equal(globalClient(), null);
  noop();
  assert.equal(second.pipeline.callsOf("noop").length, 2);
});

test("finish: `using` bounds the wait, by the short limit where a log keeps the rest", async () => {
  let fixture: Fixture;
  {
    fixture = await clientFixture({ wal: true, exitDrainMs: 123 });
    await using _client = fixture.client;
  }
  assert.deepEqual(fixture.pipeline.finished, [{ timeout: 123 }]);
  assert.equal(globalClient(), null);
  {
    fixture = await clientFixture({ timeoutMs: 456 });
    using _client = fixture.client;
  }
  assert.deepEqual(fixture.pipeline.finished, [{ timeout: 456 }]);
  assert.equal(globalClient(), null);
});

test("client functions report the missing init", async () => {
  setGlobalClient(null);
  for (const run of [() => publish({}), () => flush(), () => finish()]) {
    await assert.rejects(run(), {
      code: "ERR_NOT_INITIALIZED",
      message: /init\("entity\/project"\)/,
    });
  }
});

test("version: the same in code and in both manifests", () => {
  for (const file of ["package.json", "deno.json"]) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    assert.equal(JSON.parse(text).version, VERSION, file);
  }
});
