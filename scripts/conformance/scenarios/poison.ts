/**
 * Records that the server never accepts, among valid ones: each is dead-lettered
 * separately, and everything else arrives.
 *
 * @module
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { Fault } from "../gate.ts";
import type { Step, StepReport } from "../programs/steps.ts";
import type { Context, DeadLetter, Findings, Scenario } from "../scenario.ts";

/** A kind of poison record. */
interface Poison {
  /** Steps that write it. */
  readonly steps: readonly Step[];
  /** Fields of the start named `spoil` that the client does not record, written into its log. */
  readonly spoil?: Readonly<Record<string, unknown>>;
  /** Fault of the gate, for a server that behaves worse than the real one. */
  readonly fault?: Fault;
  /** Status of its dead letters, by API; `null` if there was no response, `0` if it is accepted. */
  readonly status: { readonly v1: number | null; readonly v2: number | null };
}

const SPAN = "00f067aa0ba902b7";

const POISONS: Readonly<Record<string, Poison>> = {
  "a ref that leads nowhere": {
    steps: [{ do: "trace", values: ["weave:///nope"] }],
    status: { v1: 400, v2: 400 },
  },
  "JSON text with such a ref": {
    steps: [{ do: "trace", values: ['{"ref":"weave:///nope"}'] }],
    status: { v1: 400, v2: 400 },
  },
  "the end of an unknown call": { steps: [{ do: "end" }], status: { v1: 0, v2: 404 } },
  "a call with a name of 300 characters": {
    steps: [
      { do: "start", as: "long", start: { op_name: "spoil-name" } },
      { do: "end", of: "long" },
    ],
    spoil: { op_name: "x".repeat(300) },
    status: { v1: 400, v2: 400 },
  },
  "a call whose parent is not an ID": {
    steps: [
      { do: "start", as: "odd", start: { op_name: "spoil-parent" } },
      { do: "end", of: "odd" },
    ],
    spoil: { parent_id: "nobody" },
    status: { v1: 400, v2: 400 },
  },
  "a call that always gets a 500": {
    steps: [
      { do: "start", as: "step", start: { op_name: "spoil-step" } },
      { do: "end", of: "step" },
    ],
    spoil: { wb_run_step: -1 },
    status: { v1: 500, v2: 500 },
  },
  "an object that always gets a 500": {
    steps: [
      { do: "start", as: "s", start: { op_name: "fine", id: SPAN } },
      { do: "end", of: "s" },
      {
        do: "object",
        name: "odd",
        value: { ref: "weave:///suite/x/op/without-a-digest" },
      },
    ],
    status: { v1: 0, v2: 0 },
  },
  "a call that a proxy answers with 500": {
    steps: [{ do: "trace", values: ["failing"] }],
    fault: { has: '"failing"', status: 500 },
    status: { v1: 500, v2: 500 },
  },
  "a call at which the connection breaks": {
    steps: [{ do: "trace", values: ["tearing"] }],
    fault: { has: '"tearing"', tear: true },
    status: { v1: null, v2: null },
  },
  "feedback that a proxy answers with 502": {
    steps: [{ do: "feedback", count: 3 }, { do: "object", name: "marked", value: { a: 1 } }],
    fault: { has: '"marked"', status: 502 },
    status: { v1: 502, v2: 502 },
  },
};

/** A1 and A2 of the faults found in the field. */
export const poison: Scenario = {
  name: "poison",
  title: "records that the server never accepts, among others",
  each: "runtime and API",
  run: sendPoison,
};

async function sendPoison(context: Context): Promise<Findings> {
  const names = Object.keys(POISONS);
  for (const { fault } of Object.values(POISONS)) if (fault) context.gate.fault(fault);
  await context.steps([
    { do: "trace", values: ["first"] },
    { do: "flush", timeout: 20_000 },
  ]);
  await context.steps([
    ...names.flatMap((name): Step[] => [
      { do: "trace", values: [`before ${name}`] },
      ...POISONS[name].steps,
      { do: "trace", values: [`after ${name}`] },
    ]),
    { do: "trace-many", count: 20 },
  ], { plan: { options: { sender: false } } });
  spoil(context);
  const report = await context.steps([{ do: "flush", timeout: 240_000 }]);
  const deadLetters = context.deadLetters();
  const values = (await context.calls()).map(({ inputs }) => inputs.value);
  const missing = ["first", ...names.flatMap((name) => [`before ${name}`, `after ${name}`])]
    .filter((value) => !values.includes(value));
  assert.deepEqual(missing, [], "everything else arrives");
  for (let i = 0; i < 20; i++) assert.ok(values.includes(i), `call ${i} arrives`);
  assertSettled(report);
  assertDeadLetters(deadLetters, context);
  return {
    sent: `${names.length} kinds of poison among ${2 * names.length + 21} calls`,
    arrived: `${values.length} calls`,
    refused: reasonsOf(deadLetters),
  };
}

/** Writes into the log what the client itself does not write, as another program might. */
function spoil(context: Context): void {
  const spoiled = Object.values(POISONS).filter((poison) => poison.spoil !== undefined);
  let count = 0;
  for (const { path, text } of context.logFiles((path) => path.endsWith(".jsonl"))) {
    const lines = text.split("\n").map((line) => {
      const fields = spoiled.find(({ steps }) =>
        steps.some((step) =>
          step.do === "start" && line.includes(`"op_name":${JSON.stringify(step.start.op_name)}`)
        )
      )?.spoil;
      if (fields === undefined) return line;
      count++;
      const record = JSON.parse(line);
      Object.assign(record.req.start, fields);
      return JSON.stringify(record);
    });
    writeFileSync(path, lines.join("\n"));
  }
  assert.equal(count, spoiled.length, "every start that is to be spoiled is in the log");
}

/**
 * Asserts as many dead letters of each status as there are poison records, and no valid
 * records among them.
 */
function assertDeadLetters(deadLetters: readonly DeadLetter[], { api }: Context): void {
  const neighbor = deadLetters.find(({ req }) => /"(before|after) /.test(JSON.stringify(req)));
  assert.equal(neighbor, undefined, `a neighbor is dead-lettered: ${JSON.stringify(neighbor)}`);
  const count = (status: number | null) =>
    deadLetters.filter(({ error }) => (error.status ?? null) === status).length;
  for (const status of new Set(Object.values(POISONS).map(({ status }) => status[api]))) {
    if (status === 0) continue;
    const kinds = Object.entries(POISONS).filter(([, poison]) => poison.status[api] === status);
    // A call results in one or two dead letters: its start and its end.
    const names = kinds.map(([name]) => name).join(", ");
    assert.ok(
      count(status) >= kinds.length && count(status) <= 2 * kinds.length,
      `${count(status)} dead letters with status ${status} for: ${names}`,
    );
  }
}

/** Asserts that nothing is pending. */
export function assertSettled(report: StepReport): void {
  assert.equal(report.result.done, true, `not done: ${JSON.stringify(report)}`);
  assert.equal(report.result.pendingRecords, 0);
}

/** Reasons of dead letters, without duplicates. */
export function reasonsOf(deadLetters: readonly DeadLetter[]): string[] {
  const reasons = deadLetters.map(({ error: { status, message = "", reason } }) =>
    `${status ?? reason} ${
      message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|x{20,}/g, "…").slice(0, 70)
    }`
  );
  return [...new Set(reasons)];
}

/** A corrupt line of a start leaves an end without a start. */
export const corrupt: Scenario = {
  name: "corrupt",
  title: "a start whose line is corrupt, and its end",
  each: "runtime and API",
  run: sendCorrupt,
};

async function sendCorrupt(context: Context): Promise<Findings> {
  const options = { sender: false };
  await context.steps([{ do: "trace-many", count: 10 }], { plan: { options } });
  const [segment] = context.logFiles((path) => path.endsWith(".jsonl"));
  const lines = segment.text.split("\n");
  const index = lines.findIndex((line) => line.startsWith('{"type":"call_start"'));
  lines[index] = lines[index].replace('"req":{', '"req":(');
  writeFileSync(segment.path, lines.join("\n"));

  const report = await context.steps([
    { do: "flush", timeout: 240_000 },
    { do: "trace", values: ["later"] },
    { do: "flush", timeout: 240_000 },
  ]);
  assertSettled(report);
  const calls = await context.calls();
  assert.equal(calls.length, 10, "nine whole calls and the later one");
  assert.ok(calls.every(({ ended_at }) => ended_at !== null));
  const deadLetters = context.deadLetters();
  const wanted = context.api === "v2" ? 2 : 1;
  assert.equal(deadLetters.length, wanted, `dead letters: ${JSON.stringify(deadLetters)}`);
  return {
    sent: "11 calls, one start corrupt",
    arrived: `${calls.length} calls`,
    refused: reasonsOf(deadLetters),
  };
}
