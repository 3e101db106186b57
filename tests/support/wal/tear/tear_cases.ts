/**
 * A valid log, and ways to corrupt it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { judge } from "./tear_fixture.ts";
import { bytesOf } from "../wal_fixture.ts";

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

/** The lines of a valid log. */
export const LINES: readonly string[] = RECORDS.map(([type, req]) => JSON.stringify({ type, req }));
/** A valid log. */
export const LOG: Uint8Array = bytesOf(LINES.map((line) => `${line}\n`).join(""));
/** A change of one byte, and its name. */
export type Corruption = readonly [name: string, change: (byte: number) => number];

/** The changes of one byte. */
export const CORRUPTIONS: readonly Corruption[] = [
  ["with its lowest bit flipped", (byte) => byte ^ 0x01],
  ["with its highest bit flipped", (byte) => byte ^ 0x80],
  ["with all its bits flipped", (byte) => byte ^ 0xff],
  ["set to zero", () => 0],
  ["turned into a newline", () => 10],
  ["turned into a quote", () => 34],
  ["turned into a closing brace", () => 125],
];

/**
 * Corrupts every `step`th byte of a log, one at a time, from `first`; no other line may
 * be lost.
 */
export async function corruptEach(
  log: Uint8Array,
  [, change]: Corruption,
  useCallsComplete: boolean,
  step = 1,
  first = 0,
): Promise<void> {
  const failures: string[] = [];
  for (let at = first; at < log.length; at += step) {
    const corrupt = log.slice();
    corrupt[at] = change(corrupt[at]);
    try {
      await judge(corrupt, useCallsComplete, log);
    } catch (error) {
      failures.push(`byte ${at}: ${(error as Error).message}`);
    }
  }
  assert.deepEqual(failures.slice(0, 3), [], `${failures.length} bytes`);
}
