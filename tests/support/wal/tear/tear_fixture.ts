/**
 * Checks the outcome of the tear matrix: what must happen to a log with these bytes.
 *
 * Parses the log independently, line by line with the host's JSON parser, and compares
 * every line with what the server accepted and what was dead-lettered. A change inside a
 * string that leaves a valid record cannot be detected in this format: such a line counts
 * as the record that it now is, and must be delivered unchanged. An object with the same
 * content as its last version may be sent once for both.
 *
 * @module
 */

import assert from "node:assert/strict";
import { check } from "../../../../tools/mock_server/routes/validators.ts";
import { WRITE_RULES, type WriteName } from "../../../../tools/mock_server/routes/schema.ts";
import { RECORD_TYPES } from "../../../../src/protocol/record_types.ts";
import { type DeadLetter, LogWorld, type Taken } from "../wal_fixture.ts";

type Json = Record<string, unknown>;

/** A line of the log, as parsed here. */
interface Line {
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** The record, if the line is valid. */
  readonly record: { type: string; req: Json } | null;
}

/** Result of delivering a corrupt log. */
export interface Outcome {
  readonly delivered: number;
  readonly deadLetters: readonly DeadLetter[];
}

const RULES: Record<string, [v1: WriteName, v2: WriteName]> = {
  call_start: ["callStart", "callStartV2"],
  call_end: ["callEnd", "callEndV2"],
  feedback_create: ["feedbackCreate", "feedbackCreate"],
  obj_create: ["objCreate", "objCreate"],
};

/**
 * Recovers a log of these bytes over one of the two call paths and checks the outcome.
 *
 * @param sound The log before it was corrupted: a change in a part that is not sent (the
 * trace ID of an end on the v1 API) leaves a line that arrives as if it were valid.
 */
export async function judge(
  bytes: Uint8Array,
  useCallsComplete: boolean,
  sound: Uint8Array = new Uint8Array(0),
): Promise<Outcome> {
  const world = new LogWorld();
  world.put(bytes);
  const result = await world.recover({ useCallsComplete });
  assert.equal(result.done, true, "recovery ends");
  const deadLetters = world.deadLetters();
  const names = world.names().filter((name) => !/\.(deadletter|quarantine)$/.test(name));
  assert.deepEqual(names, [], "nothing is left but dead letters");

  const originals = linesOf(sound);
  const taken = [...world.server.taken];
  /** The last version of each object, by its name. */
  const versions = new Map<string, string>();
  const isRepeated = ({ type, req }: { type: string; req: Json }): boolean => {
    if (type !== "obj_create") return false;
    const { project_id, object_id } = (req.obj ?? {}) as Json;
    const name = `${project_id}/${object_id}`;
    const before = versions.get(name);
    versions.set(name, JSON.stringify(req));
    return before === JSON.stringify(req);
  };
  let delivered = 0;
  for (const line of linesOf(bytes)) {
    const deadLetter = deadLetters.find(({ error }) => error.offset === line.offset);
    if (deadLetter) {
      checkDeadLetter(line, deadLetter, useCallsComplete);
      continue;
    }
    const candidates = line.record ? [line.record] : originals.map(({ record }) => record!);
    assert.ok(
      // Evaluate both: the version counts whether or not it was sent again.
      [candidates.some((record) => takeOut(taken, record)), isRepeated(candidates[0])].includes(
        true,
      ),
      `the line at ${line.offset} is neither delivered nor dead-lettered: ${textOf(line.bytes)}`,
    );
    delivered++;
  }
  assert.deepEqual(taken, [], "nothing arrived that no line holds");
  assert.equal(result.delivered, delivered);
  assert.equal(result.deadLettered, deadLetters.length);
  return { delivered, deadLetters };
}

/** Splits a log into its non-empty lines. */
function linesOf(bytes: Uint8Array): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    const hasMark = start === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    const to = newline !== -1 && end > start && bytes[end - 1] === 13 ? end - 1 : end;
    if (to > start + (hasMark ? 3 : 0)) {
      const content = bytes.subarray(start + (hasMark ? 3 : 0), to);
      const record = readLine(content);
      if (record) lines.push({ offset: start, bytes: bytes.subarray(start, to), record });
      else lines.push(...piecesOf(bytes.subarray(start, to), start));
    }
    start = end + 1;
  }
  return lines;
}

/** The whole records in a corrupt line, and the bytes around them. */
function piecesOf(line: Uint8Array, offset: number): Line[] {
  const places = [...latin1(line).matchAll(/\{"type":/g)].map(({ index }) => index);
  const bounds = [...latin1(line).matchAll(/\}/g)].map(({ index }) => index + 1);
  const chainFrom = (start: number): Line[] => {
    for (const end of bounds.filter((bound) => bound > start)) {
      const bytes = line.subarray(start, end);
      const record = readLine(bytes);
      if (record) return [{ offset: offset + start, bytes, record }, ...chainFrom(end)];
    }
    return [];
  };
  const lengthOf = (chain: Line[]): number =>
    chain.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const first = places[0] === 0 ? chainFrom(0) : [];
  const from = lengthOf(first);
  if (from === line.length) return first;
  // After these bytes the object might be a part of the corrupt record.
  const last = places.filter((place) =>
    place > from && !":,[ \t\r".includes(latin1(line)[place - 1])
  )
    .map(chainFrom).find((chain) =>
      chain.length > 0 && lengthOf(chain) === line.length - (chain[0].offset - offset)
    );
  const to = last ? last[0].offset - offset : line.length;
  const corrupt = { offset: offset + from, bytes: line.subarray(from, to), record: null };
  return [...first, corrupt, ...last ?? []];
}

/** Maps each byte to a character. */
function latin1(bytes: Uint8Array): string {
  return bytes.reduce((text, byte) => text + String.fromCharCode(byte), "");
}

function readLine(bytes: Uint8Array): Line["record"] {
  let value: { type?: unknown; req?: unknown };
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return null;
  }
  const { type, req } = value ?? {};
  const isRecord = RECORD_TYPES.some((known) => known === type) &&
    typeof req === "object" && req !== null && !Array.isArray(req);
  return isRecord ? { type: type as string, req: req as Json } : null;
}

/** A dead-lettered line is invalid, and none of its bytes are lost. */
function checkDeadLetter(line: Line, deadLetter: DeadLetter, useCallsComplete: boolean): void {
  const { reason } = deadLetter.error;
  if (reason === "refused") {
    assert.ok(line.record, `only a sound record can be refused: ${textOf(line.bytes)}`);
    const { type, req } = line.record;
    const rule = WRITE_RULES[RULES[type][useCallsComplete ? 1 : 0]];
    assert.notDeepEqual(check(rule, req), [], `dead-lettered without need: ${textOf(line.bytes)}`);
    assert.deepEqual({ type: deadLetter.type, req: deadLetter.req }, { type, req });
    return;
  }
  assert.match(reason, /^(corrupt|torn|oversize)$/);
  const names = line.record && Object.keys(line.record.req);
  assert.ok(
    // A call without its own object, project or ID is not a call, whatever else it contains.
    line.record === null || !isCall(line.record),
    `dead-lettered as ${reason}, but it is valid: ${names} ${textOf(line.bytes)}`,
  );
  assert.deepEqual(deadLetter.bytes, line.bytes, "the bytes are kept");
}

function isCall({ type, req }: { type: string; req: Json }): boolean {
  const kind = type === "call_start" ? "start" : "end";
  const { project_id, id } = (req[kind] ?? {}) as Json;
  return typeof project_id === "string" && /^[^/]+\/[^/]+$/.test(project_id) &&
    typeof id === "string";
}

/** Finds and removes the record among what the server accepted. */
function takeOut(taken: Taken[], { type, req }: { type: string; req: Json }): boolean {
  const wanted = (type === "call_start" ? req.start : type === "call_end" ? req.end : req) as Json;
  for (const [index, { kind, value }] of taken.entries()) {
    if (kind === type) {
      // The v1 API has no trace ID and no start time in an end.
      const isSame = type === "call_end"
        ? covers(value, wanted, ["trace_id", "started_at"])
        : covers(value, wanted, []) && covers(wanted, value, []);
      if (!isSame) continue;
      taken.splice(index, 1);
      return true;
    }
    if (kind !== "complete" || !type.startsWith("call_")) continue;
    const left = type === "call_start" ? [] : ["trace_id", "started_at"];
    if (!covers(value, wanted, left)) continue;
    // The other half of the call must still be found, in a line of its own.
    const half = type === "call_start" ? "call_end" : "call_start";
    taken.splice(index, 1, { kind: half, value: halfOf(value, half) });
    return true;
  }
  return false;
}

const START_FIELDS = ["trace_id", "started_at", "op_name", "attributes", "inputs"];
const END_FIELDS = ["ended_at", "output", "summary", "exception"];

function halfOf(whole: Json, half: string): Json {
  const fields = ["project_id", "id", ...(half === "call_start" ? START_FIELDS : END_FIELDS)];
  return Object.fromEntries(Object.entries(whole).filter(([name]) => fields.includes(name)));
}

/** Whether `value` has all fields of `wanted` except those left out. */
function covers(value: Json | undefined, wanted: Json, leftOut: readonly string[]): boolean {
  return Object.entries(wanted ?? {}).every(([name, field]) =>
    leftOut.includes(name) ||
    (Object.hasOwn(value ?? {}, name) && JSON.stringify(value![name]) === JSON.stringify(field))
  );
}

function textOf(bytes: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(bytes));
}
