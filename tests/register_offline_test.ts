/**
 * No server: the program neither waits nor notices, and a later run delivers what it wrote.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { startMockServer } from "../src/mock/serve.ts";
import { test } from "./harness.ts";
import { type Ended, FakeOpenAi, SdkProject } from "./register_fixture.ts";
import { snapshotOf } from "./register_snapshot.ts";

/** What the SDK says when it cannot reach its server, and what it dies of. */
const NOISE = /Retrying fetch|Error processing batch|Error saving file|Exceeded max errors|Failed/;

function assertQuiet({ code, lines, errors }: Ended): void {
  assert.equal(code, 0, errors);
  assert.doesNotMatch(`${lines.join("\n")}${errors}`, NOISE);
  // One line of ours at most: that nothing can be delivered now.
  assert.ok(errors.split("\n").filter((line) => line.includes("weave-wal")).length <= 1, errors);
}

test("register: a program starts, runs and ends normally with no server at all", async () => {
  using project = new SdkProject();
  const mock = await startMockServer();
  await mock.stop();
  const ended = await project.run("plain.cjs", {
    env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url },
  });
  assertQuiet(ended);
  assert.ok(ended.lines.includes("result 42"));
  const files = readdirSync(`${project.walDir}/team/plain`);
  assert.equal(files.filter((name) => name.endsWith(".jsonl")).length, 1);
  assert.ok(!files.some((name) => name.endsWith(".lock")), "the writer closed its log");
});

test("register: what a whole run wrote without a server arrives with a later run", async () => {
  await using openai = await FakeOpenAi.start();
  const env = { FAKE_OPENAI: openai.url, NO_READS: "1" };

  using control = new SdkProject();
  await using always = await startMockServer();
  const online = await control.run("tour.mjs", {
    env: { ...env, WF_TRACE_SERVER_URL: always.url },
  });
  assert.equal(online.code, 0, online.errors);

  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  const durable = { ...env, WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url };
  // What digests of refs need is learnt once a project.
  const known = { ...durable, PROJECT: "team/tour" };
  assertQuiet(await project.run("plain.cjs", { env: known }));
  mock.store.clear();
  await mock.stop();

  project.settings({ exitDrainMs: 100 });
  const offline = await project.run("tour.mjs", { env: durable });
  assertQuiet(offline);
  assert.deepEqual(offline.lines.at(-1), online.lines.at(-1));
  assert.equal(mock.store.callCount(), 0);

  await mock.restart();
  project.settings({ exitDrainMs: 20_000 });
  assertQuiet(await project.run("plain.cjs", { env: durable }));
  assert.deepEqual(
    snapshotOf(mock.store, "team/tour"),
    snapshotOf(always.store, "team/tour"),
  );
  assert.deepEqual(readdirSync(`${project.walDir}/team/tour`), []);
}, { timeout: 90_000 });
