import assert from "node:assert/strict";
import {
  contentEnd,
  contentStart,
  findNewline,
  isValidRecord,
  readRecord,
  RECORD_PREFIX,
  RECORD_SUFFIX,
} from "../../../src/wal/record/record.ts";
import { RECORD_TYPES } from "../../../src/protocol/record_types.ts";
import { test } from "../../harness.ts";
import { bytesOf, joined } from "../../support/wal/wal_fixture.ts";

interface Found {
  type: string;
  request: string;
  canonical: boolean;
}

/** Reads a line surrounded by other bytes. */
function read(line: string): Found | null {
  const content = bytesOf(line);
  const bytes = joined(bytesOf("before\n"), content, bytesOf("\nbehind"));
  const start = 7, end = start + content.length;
  const span = readRecord(bytes, start, end, { code: 0, start: 0, end: 0, canonical: true });
  return span && {
    type: RECORD_TYPES[span.code],
    request: new TextDecoder().decode(bytes.subarray(span.start, span.end)),
    canonical: span.canonical,
  };
}

test("record: a line of every type is split without parsing it", () => {
  for (const type of RECORD_TYPES) {
    const request = '{"n":1.0,"big":12345678901234567890,"s":"}\\" é😀"}';
    const line = RECORD_PREFIX[type] + request + RECORD_SUFFIX.trimEnd();
    assert.deepEqual(read(line), { type, request, canonical: true });
    assert.deepEqual(JSON.parse(line).type, type);
  }
});

test("record: an empty request is a record", () => {
  assert.deepEqual(read('{"type":"obj_create","req":{}}'), {
    type: "obj_create",
    request: "{}",
    canonical: true,
  });
});

test("record: Python's json.dumps, with and without spaces, is read", () => {
  // json.dumps(record) and json.dumps(record, separators=(",", ":")) of {"type": …, "req": …}.
  assert.deepEqual(read('{"type": "call_end", "req": {"end": {"id": "a", "n": NaN}}}'), {
    type: "call_end",
    request: '{"end": {"id": "a", "n": NaN}}',
    canonical: false,
  });
  assert.deepEqual(read('{"type":"call_end","req":{"end":{"id":"a"}}}'), {
    type: "call_end",
    request: '{"end":{"id":"a"}}',
    canonical: true,
  });
});

test("record: fields in another order, further fields and white space are read", () => {
  const wanted = { type: "call_start", request: '{"start":{}}', canonical: false };
  for (
    const line of [
      '{"req":{"start":{}},"type":"call_start"}',
      '{"v":[1,{"type":"x"}],"type":"call_start","req":{"start":{}},"at":"}"}',
      '\t{ "type"\t:"call_start" , "req" : {"start":{}} } ',
      '{"type":"call_start","req":{"start":{}},"retry_count":0}',
      '{"t\\u0079pe":"call_start","req":{"start":{}}}',
    ]
  ) {
    assert.deepEqual(read(line), wanted, line);
  }
});

test("record: a line that is not a record is null", () => {
  for (
    const line of [
      "",
      " ",
      "\0\0\0\0",
      "null",
      "[]",
      "{}",
      '"call_start"',
      '{"type":"call_start"}',
      '{"req":{}}',
      '{"type":"unknown","req":{}}',
      '{"type":"CALL_START","req":{}}',
      '{"type":"call_start ","req":{}}',
      '{"type":7,"req":{}}',
      '{"type":{},"req":{}}',
      '{"type":"call_start","req":[]}',
      '{"type":"call_start","req":"{}"}',
      '{"type":"call_start","req":null}',
      '{"type":"call_start","req":',
      '{"type":"call_start","req":}',
      '{"type":"call_start","req":{',
      '{"type":"call_start","req":{}',
      '{"type":"call_start","req":{}]',
      'x{"type":"call_start","req":{}}',
      '{"type":"call_start","req":{}} x',
      `{"type":"${"call_start".repeat(10_000)}","req":{}}`,
    ]
  ) {
    assert.equal(read(line), null, line.slice(0, 80));
  }
});

test("record: a record is valid only if the whole line is valid JSON and UTF-8", () => {
  const isSound = (bytes: Uint8Array) => isValidRecord(bytes, 0, bytes.length);
  assert.equal(isSound(bytesOf('{"a":"é\\ud83d"}')), true);
  assert.equal(isSound(bytesOf('{"a":"b}')), false);
  assert.equal(isSound(bytesOf('{"a":1}{"a":1}')), false);
  assert.equal(isSound(bytesOf("")), false);
  assert.equal(isSound(joined(bytesOf('{"a":"'), Uint8Array.of(0xc3), bytesOf('"}'))), false);
  assert.equal(isSound(joined(bytesOf('{"a":"'), Uint8Array.of(0xff), bytesOf('"}'))), false);
});

test("record: a carriage return before the newline and a byte order mark are not content", () => {
  const bytes = bytesOf("\ufeffab\r\ncd\n\r\n\n");
  assert.equal(contentStart(bytes, 0), 3);
  assert.equal(contentStart(bytes, 3), 3);
  assert.equal(contentEnd(bytes, 3, 6), 5);
  assert.equal(contentEnd(bytes, 7, 9), 9);
  assert.equal(contentEnd(bytes, 10, 11), 10);
  assert.equal(contentEnd(bytes, 12, 12), 12, "a return of the line before is not this line's");
});

test("record: a newline is found only in its range", () => {
  const bytes = bytesOf("a\nb\nc");
  assert.equal(findNewline(bytes, 0, bytes.length), 1);
  assert.equal(findNewline(bytes, 2, bytes.length), 3);
  assert.equal(findNewline(bytes, 2, 3), -1);
  assert.equal(findNewline(bytes, 4, bytes.length), -1);
  assert.equal(findNewline(new Uint8Array(0), 0, 0), -1);
});
