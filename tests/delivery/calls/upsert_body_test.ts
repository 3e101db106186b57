import assert from "node:assert/strict";
import {
  canOverwrite,
  upsertBody,
  upsertBodyInPlace,
} from "../../../src/delivery/calls/upsert_body.ts";
import { start } from "../../support/delivery/delivery_fixture.ts";
import { test } from "../../harness.ts";
import { batchOf, line } from "../../support/delivery/batches.ts";

const HEAD_BYTES = '{"batch":['.length;

const BOM = "\ufeff";

/**
 * An end as this package writes it for the v2 API, with fields that must not be sent to
 * the v1 API.
 */
function fullEnd(id: string, output: string): string {
  return '{"end":{"project_id":"team/project","id":"' + id + '","trace_id":"t","started_at":"s",' +
    `"ended_at":"e","output":"${output}"}}`;
}

/** The body parsed as JSON. */
function elements(body: Uint8Array | null): unknown[] {
  assert.ok(body);
  return (JSON.parse(new TextDecoder().decode(body)) as { batch: unknown[] }).batch;
}

const s1 = start("s1"), s2 = start("s2");

const END = { end: { project_id: "team/project", id: "e1", ended_at: "e", output: "é" } };

const LOGS: Readonly<Record<string, { log: string; settledLines?: number[]; batch: unknown[] }>> = {
  "one start": {
    log: `${line("call_start", s1)}\n`,
    batch: [{ mode: "start", req: JSON.parse(s1) }],
  },
  "starts and ends": {
    log: `${line("call_start", s1)}\n${line("call_end", fullEnd("e1", "é"))}\n` +
      `${line("call_start", s2)}\n`,
    batch: [
      { mode: "start", req: JSON.parse(s1) },
      { mode: "end", req: END },
      { mode: "start", req: JSON.parse(s2) },
    ],
  },
  "an end at the end": {
    log: `${line("call_start", s1)}\n${line("call_end", fullEnd("e1", "é"))}\n`,
    batch: [{ mode: "start", req: JSON.parse(s1) }, { mode: "end", req: END }],
  },
  "carriage returns and empty lines": {
    log: `\n${line("call_start", s1)}\r\n\r\n\n${line("call_start", s2)}\r\n`,
    batch: [{ mode: "start", req: JSON.parse(s1) }, { mode: "start", req: JSON.parse(s2) }],
  },
  "a byte order mark": {
    log: `${BOM}${line("call_start", s1)}\n${line("call_start", s2)}\n`,
    batch: [{ mode: "start", req: JSON.parse(s1) }, { mode: "start", req: JSON.parse(s2) }],
  },
  "corrupt lines in between": {
    log: `rubbish\n${line("call_start", s1)}\n{"type":"call_st\n${
      line("call_start", s2)
    }\n rubbish \n`,
    batch: [{ mode: "start", req: JSON.parse(s1) }, { mode: "start", req: JSON.parse(s2) }],
  },
  "a line that is a dead letter": {
    log: `${line("call_start", s1)}\n${line("call_start", s2)}\n`,
    settledLines: [0],
    batch: [{ mode: "start", req: JSON.parse(s2) }],
  },
};

for (const [name, { log, settledLines = [], batch: expected }] of Object.entries(LOGS)) {
  test(`upsert body: ${name}, in a copy and in place`, () => {
    assert.deepEqual(
      elements(upsertBody(batchOf(log, { settledLines }), new Uint8Array(0))),
      expected,
    );
    const batch = batchOf(log, { settledLines });
    const before = batch.bytes.slice();
    assert.equal(canOverwrite(batch), true);
    const body = upsertBodyInPlace(batch)!;
    assert.deepEqual(elements(body), expected);
    assert.equal(body.buffer, batch.bytes.buffer);
    const from = batch.lineStarts[0] - HEAD_BYTES, to = batch.lineEnds[batch.count - 1] + 1;
    assert.deepEqual(batch.bytes.subarray(0, from), before.subarray(0, from));
    assert.deepEqual(batch.bytes.subarray(to), before.subarray(to), "the next line stays");
  });
}

test("upsert body: a copy omits records that are not calls", () => {
  const other = line("obj_create", '{"obj":{}}');
  const batch = batchOf(`${other}\n${line("call_start", s1)}\n${other}\n`);
  assert.deepEqual(elements(upsertBody(batch, new Uint8Array(0))), [
    { mode: "start", req: JSON.parse(s1) },
  ]);
});

test("upsert body: lines that are still needed are not overwritten", () => {
  const log = `${line("call_start", s1)}\n`;
  assert.equal(canOverwrite(batchOf(log)), true);
  assert.equal(canOverwrite(batchOf(log, { room: HEAD_BYTES - 1 })), false, "no room in front");
  const unreadable = batchOf(log);
  unreadable.restore = null;
  assert.equal(canOverwrite(unreadable), false, "no way to read them again");
  const mixed = batchOf(`${log}${line("obj_create", '{"obj":{}}')}\n`);
  assert.equal(canOverwrite(mixed), false, "others are sent on from there");
  const foreign = batchOf(`{"type": "call_start", "req": ${s1}}\n`);
  assert.equal(foreign.count, 1);
  assert.equal(canOverwrite(foreign), false, "another layout");
});
