/**
 * The official SDK behaves the same with the log as without: in what the program
 * observes, and in the resulting data of the server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { isProvisional } from "../../src/protocol/digest/provisional.ts";
import { test } from "../harness.ts";
import { FakeOpenAi, SDK_VERSIONS, SdkProject } from "../support/drop_in/register_fixture.ts";
import { type Snapshot, snapshotOf } from "../support/drop_in/register_snapshot.ts";

interface Run {
  report: Record<string, unknown>;
  snapshot: Snapshot;
  paths: Set<string>;
  asked: number;
}

async function tour(version: string, wal: boolean): Promise<Run> {
  using project = new SdkProject(version);
  await using openai = await FakeOpenAi.start();
  await using mock = await startMockServer({ apiKey: "k".repeat(40) });
  const { code, lines, errors } = await project.run("tour.mjs", {
    env: {
      WF_TRACE_SERVER_URL: mock.url,
      FAKE_OPENAI: openai.url,
      ...(wal ? { WEAVE_ENABLE_WAL: "true" } : {}),
    },
  });
  assert.equal(code, 0, errors);
  assert.equal(existsSync(project.walDir), wal);
  assert.doesNotMatch(
    `${errors}${lines.join("\n")}`,
    /Retrying fetch|Error processing|Cannot (?:take|make|record|write)/,
  );
  const refused = mock.journal.entries.filter(({ status }) => status !== 200);
  assert.deepEqual(refused.map(({ path, status }) => `${path} ${status}`), []);
  return {
    report: JSON.parse(lines.at(-1)!),
    snapshot: snapshotOf(mock.store, "team/tour"),
    paths: new Set(mock.journal.entries.map(({ path }) => path)),
    asked: openai.requests.length,
  };
}

for (const version of Object.keys(SDK_VERSIONS)) {
  test(`register: weave ${version} gives the server the same with the log as without`, async () => {
    const plain = await tour(version, false);
    const durable = await tour(version, true);
    assert.ok(plain.paths.has("/call/upsert_batch"));
    assert.ok(!durable.paths.has("/call/upsert_batch"), "the SDK's own batches were sent");
    assert.ok(durable.paths.has("/v2/team/tour/calls/complete"));
    // On a busy machine, the server may not respond within the second for which a ref
    // waits.
    const report = isProvisional(String(durable.report.dataset).split(":").at(-1)!)
      ? { ...durable.report, dataset: plain.report.dataset }
      : durable.report;
    assert.deepEqual(report, plain.report);
    assert.equal(durable.asked, plain.asked);
    for (const part of Object.keys(plain.snapshot) as (keyof Snapshot)[]) {
      assert.deepEqual(durable.snapshot[part], plain.snapshot[part], part);
    }
    assert.ok(durable.snapshot.calls.length > 10);
    const { weave } = durable.snapshot.calls[0].attributes as Record<string, unknown>;
    assert.deepEqual(weave, { client_version: version, source: "js-sdk" });
    assert.deepEqual(durable.snapshot.dangling, []);
  }, { timeout: 90_000 });
}

test("register: one program may write to several projects, and delete its writes", async () => {
  const projects = async (wal: boolean) => {
    using project = new SdkProject();
    await using mock = await startMockServer();
    const { code, lines, errors } = await project.run("projects.mjs", {
      env: { WF_TRACE_SERVER_URL: mock.url, ...(wal ? { WEAVE_ENABLE_WAL: "true" } : {}) },
    });
    assert.equal(code, 0, errors);
    const ids = ["team/first", "team/second"];
    if (wal) {
      assert.deepEqual(readdirSync(join(project.walDir, "team")).sort(), ["first", "second"]);
    }
    return {
      report: JSON.parse(lines.at(-1)!),
      snapshots: ids.map((id) => snapshotOf(mock.store, id)),
      costs: ids.map((id) => mock.store.project(id).costs.map(({ id: _, ...cost }) => cost)),
    };
  };
  const [plain, durable] = [await projects(false), await projects(true)];
  assert.deepEqual(durable, plain);
  assert.deepEqual(durable.snapshots.map(({ calls }) => calls.length), [2, 2]);
});

for (const callMode of ["old", "complete"] as const) {
  test(`register: calls use the API that the server accepts: ${callMode}`, async () => {
    using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
    await using mock = await startMockServer({ callMode });
    const { code, errors } = await project.run("counting.mjs", {
      env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url },
      args: ["20"],
    });
    assert.equal(code, 0, errors);
    assert.equal(mock.store.finishedCount("team/counting"), 40);
  });
}

test("register: without complete calls, a project stays open to programs with only the SDK", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  const env = { WF_TRACE_SERVER_URL: mock.url, WEAVE_USE_CALLS_COMPLETE: "false" };
  const durable = await project.run("plain.cjs", { env: { ...env, WEAVE_ENABLE_WAL: "true" } });
  const plain = await project.run("plain.cjs", { env });
  assert.deepEqual([durable.code, plain.code], [0, 0], durable.errors + plain.errors);
  assert.equal(mock.store.finishedCount("team/plain"), 2);
});
