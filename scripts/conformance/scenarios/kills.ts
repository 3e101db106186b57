/**
 * Programs killed under load: no call is lost, and little is sent again.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { CountPlan } from "../programs/counted_calls.ts";
import type { ReadCall } from "../reader.ts";
import type { Context, Scenario } from "../scenario.ts";
import { assertSettled } from "./poison.ts";

/** Numbers after which a program is killed: some before its first request, some under full load. */
const KILL_AFTER = [1, 30, 100, 250, 500];

/** See the module. */
export const kills: Scenario = {
  name: "kills",
  title: "programs that are killed under load",
  each: "runtime and API",
  weight: "essential",
  run: async (context) => {
    const { gate, bench: { server } } = context;
    const recorded: string[] = [];
    for (const [n, after] of KILL_AFTER.entries()) {
      recorded.push(...await killedAfter(context, `run${n}`, after));
    }
    assertSettled(await context.steps([{ do: "flush", timeout: 240_000 }]));
    assert.deepEqual(gate.reasons, [], "the server refuses nothing");
    assertOnlyTorn(context);
    await server.merge();

    const calls = await assertOnce(context, recorded);
    const records = calls.reduce((sum, { ended_at }) => sum + (ended_at === null ? 1 : 2), 0);
    const again = callRecords(context) - records;
    const answered = callRecords(context, true) - records;
    return {
      sent: `${recorded.length} calls of ${KILL_AFTER.length} killed programs, two levels`,
      arrived: `${calls.length} calls; of ${records} records ${again} sent again, ` +
        `${answered} of them although they were answered`,
    };
  },
};

/** A kill may tear a record that is being written; nothing else is dead-lettered. */
export function assertOnlyTorn(context: Context): void {
  assert.deepEqual(context.deadLetters().filter(({ error }) => error.reason !== "torn"), []);
}

/** Every recorded call of both levels is at the server, and only once. */
export async function assertOnce(
  context: Context,
  recorded: readonly string[],
): Promise<ReadCall[]> {
  const calls = await context.calls();
  const ids = new Set(calls.map(({ id }) => id));
  assert.equal(ids.size, calls.length, "every call is there once");
  for (const op of ["outer", "inner"]) {
    const ended = calls.filter(({ op_name, ended_at }) =>
      op_name.includes(`/op/${op}:`) && ended_at !== null
    );
    const values = ended.map(({ inputs, output }) => {
      assert.equal(output, inputs.value);
      return inputs.value;
    });
    const has = new Set(values);
    assert.equal(has.size, values.length, `every call of ${op} is there once`);
    const lost = recorded.filter((value) => !has.has(value));
    assert.deepEqual(lost, [], `every recorded call of ${op} is there`);
  }
  return calls;
}

/** Number of call records in all requests, or in those whose response was received. */
function callRecords({ gate }: Context, isHeard = false): number {
  return gate.passed
    .filter(({ path }) => /upsert_batch|calls\/complete|\/call\/(start|end)$/.test(path))
    .filter(({ status, isUnheard }) => !isHeard || (status !== null && !isUnheard))
    .reduce((sum, { records }) => sum + records, 0);
}

/** Runs a program until it has printed this many numbers, kills it, and returns its output. */
async function killedAfter(context: Context, name: string, after: number): Promise<string[]> {
  const child = context.start(
    "counted_calls.ts",
    context.plan<Partial<CountPlan>>({ name, count: 1e6 }),
  );
  await child.line(`${name}-${after - 1}`);
  child.kill("SIGKILL");
  await child.ended;
  return child.lines.filter((line) => /^run\d+-\d+$/.test(line));
}
