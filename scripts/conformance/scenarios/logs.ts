/**
 * Logs with content that this version does not write: records of Python, and a corrupt
 * map of digests.
 *
 * @module
 */

import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cliCommand } from "../../../tests/support/processes/child_fixture.ts";
import type { Scenario } from "../scenario.ts";
import { assertSettled } from "./poison.ts";

/** A8. */
export const foreign: Scenario = {
  name: "foreign",
  title: "calls logged by Python, with is_eval",
  each: "runtime and API",
  run: async (context) => {
    const { project } = context;
    const folder = join(context.directory, "wal", ...project.split("/"));
    mkdirSync(folder, { recursive: true });
    const lines = Array.from({ length: 10 }, (_, n) => callOf(project, n)).flat();
    const file = join(folder, "01700000000000000000_00000000000000000000000000000001.jsonl");
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const report = await context.steps([{ do: "flush", timeout: 240_000 }]);
    assertSettled(report);
    assert.deepEqual(context.gate.reasons, []);
    assert.deepEqual(context.deadLetters(), []);
    const calls = await context.calls();
    assert.equal(calls.length, 10);
    assert.ok(calls.every(({ ended_at, output }) => ended_at !== null && output === "done"));
    return { sent: `${lines.length} records of Python`, arrived: `${calls.length} calls` };
  },
};

/** A start and its end as formatted by the Python SDK, with all the fields that it writes. */
function callOf(project_id: string, n: number): unknown[] {
  const id = `01a22968-3f42-7880-a4ff-${n.toString(16).padStart(12, "0")}`;
  const started_at = "2026-11-29T22:23:47.522663Z";
  const start = {
    project_id,
    id,
    op_name: "logged-by-python",
    display_name: null,
    trace_id: id,
    parent_id: null,
    thread_id: null,
    turn_id: null,
    started_at,
    attributes: {},
    inputs: { n },
    otel_dump: null,
    wb_user_id: null,
    wb_run_id: null,
    wb_run_step: null,
  };
  const end = {
    project_id,
    id,
    trace_id: id,
    is_eval: n % 2 === 0,
    ended_at: "2026-11-29T22:23:47.528817Z",
    started_at,
    exception: null,
    output: "done",
    summary: { status_counts: { success: 1, error: 0 } },
    wb_run_step_end: null,
  };
  return [{ type: "call_start", req: { start } }, { type: "call_end", req: { end } }];
}

/** Response to an end whose start the server does not have. */
const NO_START = /^404 Cannot end call .*: no start found/;

/** Ends that threads of a Python program wrote before their starts. */
export const reordered: Scenario = {
  name: "reordered",
  title: "ends that Python wrote before their starts, one of them already dead-lettered",
  each: "runtime and API",
  run: async (context) => {
    const { project } = context;
    const folder = join(context.directory, "wal", ...project.split("/"));
    mkdirSync(folder, { recursive: true });
    const calls = Array.from({ length: 40 }, (_, n) => callOf(project, n));
    const lines = calls.flat();
    // A third of the ends are in a batch before that of their starts, a third in the same
    // batch.
    for (let n = 0; n < calls.length; n++) {
      const [start, end] = calls[n];
      const distance = [0, 1, 20][n % 3];
      const at = lines.indexOf(start);
      if (distance === 0) continue;
      lines.splice(lines.indexOf(end), 1);
      lines.splice(Math.max(0, at - distance), 0, end);
    }
    const options = { batchRecords: 8 };
    const flush = async (records: readonly unknown[], log: number): Promise<void> => {
      const name = `0170000000000000000${log}_${String(log).padStart(32, "0")}.jsonl`;
      const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
      writeFileSync(join(folder, name), text);
      const report = await context.steps([{ do: "flush", timeout: 240_000 }], {
        plan: { options },
      });
      assertSettled(report);
    };
    await flush(lines, 1);
    // On a busy machine, the start may be read after the two seconds that its end waits at first.
    const refused = context.gate.reasons.filter((reason) => !NO_START.test(reason));
    assert.deepEqual(refused, [], "the server refuses nothing else");
    assert.deepEqual(context.deadLetters(), []);

    // The start is in a log that is found later.
    const [start, end] = callOf(project, calls.length);
    await flush([end], 2);
    assert.equal(context.deadLetters().length, context.api === "v2" ? 1 : 0);
    await flush([start], 3);
    const args = ["dead-letters", "retry", "--dir", join(context.directory, "wal")];
    const retry = context.startCommand([...cliCommand(context.runtime), ...args], {
      WEAVE_USE_CALLS_COMPLETE: String(context.api === "v2"),
    });
    const { code, errors } = await retry.ended;
    assert.equal(code, 0, retry.lines.join("\n") + errors);
    assert.deepEqual(context.deadLetters(), []);
    await context.bench.server.merge();
    const found = await context.calls();
    assert.equal(found.length, calls.length + 1, "every call is there once");
    assert.ok(found.every(({ ended_at, output }) => ended_at !== null && output === "done"));
    return { sent: `${2 * found.length} records of Python`, arrived: `${found.length} calls` };
  },
};

/** A10. */
export const digests: Scenario = {
  name: "digests",
  title: "a corrupt map of provisional digests",
  each: "runtime and API",
  run: async (context) => {
    const { project, gate } = context;
    const value = { inner: `weave:///${project}/object/other:latest` };
    await gate.shut();
    const written = await context.steps([
      { do: "publish", name: "outer", value },
      { do: "flush", timeout: 10 },
    ], { plan: { options: { sender: false } } });
    const [provisional] = written.refs.map((uri) => uri.split(":").at(-1)!);
    const map = join(context.directory, "wal", ".digests.jsonl");
    for (const line of [`["${provisional}","${provisional}-and-more"]`, "[", '["a"]', "7"]) {
      appendFileSync(map, `${line}\n`);
    }
    await gate.reopen();
    const report = await context.steps([
      { do: "trace", values: ["after"] },
      { do: "flush", timeout: 240_000 },
    ]);
    assertSettled(report);
    assert.deepEqual(context.deadLetters(), []);
    assert.equal((await context.calls()).length, 1);
    const uri = `weave:///${project}/object/outer:latest`;
    const { objs } = JSON.parse(
      await context.bench.server.post("/objs/query", { project_id: project }),
    ) as { objs: { val: unknown }[] };
    assert.deepEqual(objs.map(({ val }) => val).filter((val) => "inner" in (val as object)), [
      value,
    ]);
    return { sent: "1 object, 1 call", arrived: `${uri.split("/").at(-1)} and 1 call` };
  },
};
