import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

const MODE = { status: 400, body: { error_code: "CALLS_COMPLETE_MODE_REQUIRED", reason: "v2" } };

function callOf(project_id: string, id: string): string {
  const trace_id = `trace-${id}`, started_at = "2026-01-01T00:00:00Z";
  const start = {
    project_id,
    id,
    trace_id,
    started_at,
    op_name: "o",
    attributes: {},
    inputs: {},
  };
  const end = {
    project_id,
    id,
    trace_id,
    started_at,
    ended_at: "2026-01-01T00:00:01Z",
    output: 1,
    summary: {},
  };
  return `{"type":"call_start","req":${JSON.stringify({ start })}}\n` +
    `{"type":"call_end","req":${JSON.stringify({ end })}}\n`;
}

for (
  const project of [
    "",
    "/",
    "nope",
    "team/",
    "/project",
    "a/b/c",
    "../project",
    "team/..",
    "./x",
    "\ud800/project",
  ]
) {
  test(`project id: calls of ${JSON.stringify(project)} go nowhere, and hold nobody up`, async () => {
    const world = new LogWorld();
    // A server whose projects are all in complete mode: it rejects the v1 batch API.
    world.server.refuse = (path) => path === "/call/upsert_batch" ? MODE : null;
    world.put(callOf("team/project", "a") + callOf(project, "b") + callOf("team/project", "c"));
    const result = await world.recover({ useCallsComplete: true });
    assert.deepEqual([result.done, result.delivered, result.deadLettered], [true, 4, 2]);
    assert.deepEqual(world.server.taken.map(({ value }) => value.id).sort(), ["a", "c"]);
    assert.deepEqual(world.deadLetters().map(({ error }) => error.reason), ["corrupt", "corrupt"]);
  });
}
