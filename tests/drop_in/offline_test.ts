/**
 * Without a server, the program is unaffected, and a later run delivers its records.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Fault } from "../../tools/mock_server/faults.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import {
  type Ended,
  FakeOpenAi,
  SdkProject,
  withoutStart,
} from "../support/drop_in/register_fixture.ts";
import { snapshotOf } from "../support/drop_in/register_snapshot.ts";

/** Messages of the SDK when its server is unreachable, and its fatal error. */
const NOISE = /Retrying fetch|Error processing batch|Error saving file|Exceeded max errors|Failed/;

function assertQuiet({ code, lines, errors }: Ended): void {
  assert.equal(code, 0, errors);
  assert.doesNotMatch(`${lines.join("\n")}${errors}`, NOISE);
  // Besides the line about the log, at most one of our lines: that nothing can be
  // delivered at present.
  const others = withoutStart(errors).split("\n").filter((line) => line.includes("weave-wal"));
  assert.ok(others.length <= 1, errors);
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

const TROUBLES: readonly Fault[] = [
  { hang: true },
  { status: 500 },
  { status: 401, body: { reason: "no such key" } },
  { garbage: true },
];

test("register: a failing server does not affect the program, and gets everything when it recovers", async () => {
  await Promise.all(TROUBLES.map(async (trouble) => {
    using project = new SdkProject("0.11.1", { exitDrainMs: 100 });
    await using mock = await startMockServer();
    const env = { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url };
    const fault = mock.faults.add(trouble);
    // More than the ten failed batches after which the SDK exits.
    const ended = await project.run("troubled.mjs", { env });
    assertQuiet(ended);
    assert.equal(ended.lines.at(-1), "through 12");
    fault.remove();
    project.settings({ exitDrainMs: 20_000 });
    const later = await project.run("init_only.mjs", { env: { ...env, PROJECT: "team/troubled" } });
    assert.equal(later.code, 0, later.errors);
    assert.equal(mock.store.finishedCount("team/troubled"), 12, JSON.stringify(trouble));
    assert.deepEqual(snapshotOf(mock.store, "team/troubled").dangling, []);
  }));
});

/** Output of a run of the tour, and the resulting data of a server that was always up. */
async function online(openai: FakeOpenAi) {
  using project = new SdkProject();
  await using mock = await startMockServer();
  const env = { FAKE_OPENAI: openai.url, NO_READS: "1", WF_TRACE_SERVER_URL: mock.url };
  const { code, lines, errors } = await project.run("tour.mjs", { env });
  assert.equal(code, 0, errors);
  return { report: JSON.parse(lines.at(-1)!), snapshot: snapshotOf(mock.store, "team/tour") };
}

/** The same with the log and no server, and the data of a server after a later run. */
async function offline(openai: FakeOpenAi, { projectKnown }: { projectKnown: boolean }) {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  const durable = {
    FAKE_OPENAI: openai.url,
    NO_READS: "1",
    WEAVE_ENABLE_WAL: "true",
    WF_TRACE_SERVER_URL: mock.url,
  };
  if (projectKnown) {
    assertQuiet(await project.run("plain.cjs", { env: { ...durable, PROJECT: "team/tour" } }));
    mock.store.clear();
  }
  await mock.stop();
  project.settings({ exitDrainMs: 100 });
  const ended = await project.run("tour.mjs", { env: durable });
  assertQuiet(ended);
  assert.equal(mock.store.callCount(), 0);

  await mock.restart();
  project.settings({ exitDrainMs: 20_000 });
  assertQuiet(await project.run("plain.cjs", { env: durable }));
  assert.deepEqual(readdirSync(`${project.walDir}/team/tour`), []);
  return { report: JSON.parse(ended.lines.at(-1)!), snapshot: snapshotOf(mock.store, "team/tour") };
}

test("register: records of a whole run without a server arrive with a later run", async () => {
  await using openai = await FakeOpenAi.start();
  assert.deepEqual(await offline(openai, { projectKnown: true }), await online(openai));
}, { timeout: 90_000 });

test(
  "register: datasets and evaluations of a project never seen before resolve after delivery",
  async () => {
    await using openai = await FakeOpenAi.start();
    const { report, snapshot } = await offline(openai, { projectKnown: false });
    const expected = await online(openai);
    // The program itself holds refs that the server replaces when they are delivered.
    assert.match(report.dataset, /questions:PROVISIONAL[0-9a-f]{32}$/);
    assert.deepEqual({ ...report, dataset: expected.report.dataset }, expected.report);
    assert.deepEqual(snapshot.dangling, []);
    assert.deepEqual(snapshot, expected.snapshot);
  },
  { timeout: 90_000 },
);
