import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { bytesOf } from "../../support/wal/wal_fixture.ts";
import { judge } from "../../support/wal/tear_fixture.ts";

const project_id = "t/p";
const RECORDS: [string, Record<string, unknown>][] = [
  ["call_start", {
    start: {
      project_id,
      id: "a",
      trace_id: "b",
      started_at: "2026-01-01T00:00:00Z",
      op_name: "o",
      attributes: {},
      inputs: { é: 1.5 },
    },
  }],
  ["feedback_create", {
    project_id,
    id: "f",
    weave_ref: "r",
    feedback_type: "n",
    payload: {},
  }],
  ["call_end", {
    end: {
      project_id,
      id: "a",
      trace_id: "b",
      started_at: "2026-01-01T00:00:00Z",
      ended_at: "2026-01-01T00:00:01Z",
      output: [1, "x\n"],
      summary: {},
    },
  }],
  ["obj_create", { obj: { project_id, object_id: "c", val: { d: true } } }],
];

const LINES = RECORDS.map(([type, req]) => JSON.stringify({ type, req }));
const LOG = bytesOf(LINES.map((line) => `${line}\n`).join(""));
const PATHS: [string, boolean][] = [["upsert_batch", false], ["calls/complete", true]];

for (const [path, useCallsComplete] of PATHS) {
  test(`tear: a valid log arrives whole over ${path}`, async () => {
    const { delivered, deadLetters } = await judge(LOG, useCallsComplete);
    assert.deepEqual({ delivered, deadLetters }, { delivered: 4, deadLetters: [] });
  });

  test(`tear: a log cut at any byte keeps every whole line over ${path}`, async () => {
    for (let length = 0; length < LOG.length; length++) {
      const cut = LOG.subarray(0, length);
      const { delivered, deadLetters } = await judge(cut, useCallsComplete);
      const text = new TextDecoder().decode(cut);
      const whole = text.split("\n").filter((line) => LINES.includes(line)).length;
      assert.equal(delivered, whole, `cut at ${length}`);
      const isTorn = !text.endsWith("\n") && text !== "" &&
        !LINES.includes(text.split("\n").at(-1)!);
      assert.deepEqual(deadLetters.map(({ error }) => error.reason), isTorn ? ["torn"] : []);
    }
  });

  const CORRUPTIONS: [string, (byte: number) => number][] = [
    ["with its lowest bit flipped", (byte) => byte ^ 0x01],
    ["with its highest bit flipped", (byte) => byte ^ 0x80],
    ["with all its bits flipped", (byte) => byte ^ 0xff],
    ["set to zero", () => 0],
    ["turned into a newline", () => 10],
    ["turned into a quote", () => 34],
    ["turned into a closing brace", () => 125],
  ];
  for (const [name, change] of CORRUPTIONS) {
    test(`tear: every byte ${name} costs no other line over ${path}`, async () => {
      const failures: string[] = [];
      for (let at = 0; at < LOG.length; at++) {
        const corrupt = LOG.slice();
        corrupt[at] = change(corrupt[at]);
        try {
          await judge(corrupt, useCallsComplete, LOG);
        } catch (error) {
          failures.push(`byte ${at}: ${(error as Error).message}`);
        }
      }
      assert.deepEqual(failures.slice(0, 3), [], `${failures.length} bytes`);
    }, { timeout: 60_000 });
  }
}
