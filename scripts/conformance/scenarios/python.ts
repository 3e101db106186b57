/**
 * Programs with the vendor's Python SDK that only write and are killed, next to
 * `weave-wal flush --follow`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { cliCommand } from "../../../tests/support/processes/child_fixture.ts";
import { pythonFolder } from "../packages.ts";
import type { Context, Scenario } from "../scenario.ts";
import { assertOnce, assertOnlyTorn } from "./kills.ts";

/** Numbers after which a program is killed. */
const KILL_AFTER = [1, 30, 120];

/** B1 and B2. */
export const python: Scenario = {
  name: "python",
  title: "programs of the Python SDK that are killed while flush --follow runs",
  each: "runtime and API",
  weight: "slow",
  run: async (context) => {
    const { bench: { server, python }, project } = context;
    const writer = join(pythonFolder, "writer.py");
    const sender = { WEAVE_USE_CALLS_COMPLETE: String(context.api === "v2") };
    const env = { ...sender, WEAVE_ENABLE_WAL: "true", WEAVE_DISABLE_WAL_SENDER: "true" };
    const weaveWal = (...args: string[]) =>
      context.startCommand([...cliCommand(context.runtime), ...args], sender);
    const follow = weaveWal("flush", "--follow");
    const runs = KILL_AFTER.map(async (after, n) => {
      const name = `run${n}`;
      const child = context.startCommand([python, writer, project, name], env);
      await child.line(`${name}-${after - 1}`);
      // Records are sent while the program runs.
      if (n === 0) await arrives(context, `${name}-0`);
      child.kill("SIGKILL");
      await child.ended;
      return child.lines.filter((line) => line.startsWith(`${name}-`));
    });
    const recorded = (await Promise.all(runs)).flat();
    const flush = weaveWal("flush");
    const flushed = await flush.ended;
    assertOnlyTorn(context);
    if (context.deadLetters().length === 0) {
      assert.equal(flushed.code, 0, flush.lines.join("\n") + flushed.errors);
    }
    follow.kill("SIGTERM");
    const followed = await follow.ended;
    assert.equal(followed.code, 0, followed.errors);
    assert.deepEqual(context.gate.reasons, [], "the server refuses nothing");
    assert.deepEqual(context.logFiles((path) => path.endsWith(".jsonl")), [], "nothing is left");
    await server.merge();
    const calls = await assertOnce(context, recorded);
    return {
      sent: `${recorded.length} calls of ${KILL_AFTER.length} killed programs, two levels`,
      arrived: `${calls.length} calls`,
    };
  },
};

/** Waits until the server has a call with this value. */
async function arrives({ bench: { server }, project }: Context, value: string): Promise<void> {
  for (;;) {
    const calls = await server.post("/calls/stream_query", { project_id: project });
    if (calls.includes(JSON.stringify(value))) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
