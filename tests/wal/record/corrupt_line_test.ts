import assert from "node:assert/strict";
import { splitDamaged } from "../../../src/wal/record/corrupt_line.ts";
import { test } from "../../harness.ts";
import { bytesOf } from "../../support/wal/wal_fixture.ts";

const A = '{"type":"call_start","req":{"start":{"id":"a","x":"}{é"}}}';
const B = '{"type":"obj_create","req":{"obj":{"val":[{}]}}}';
/** As formatted by Python's json.dumps. */
const C = '{"type": "feedback_create", "req": {"id": "c"}}';

/** The pieces of a line: whole records unchanged, corrupt parts prefixed with `!`. */
function split(line: string): string[] {
  const bytes = bytesOf(line);
  const pieces = splitDamaged(bytes);
  let at = 0;
  const found = pieces.map(({ start, end, sound }) => {
    assert.equal(start, at, "nothing is left out");
    at = end;
    return (sound ? "" : "!") + new TextDecoder().decode(bytes.subarray(start, end));
  });
  assert.equal(at, bytes.length, "nothing is left out");
  return found;
}

test("corrupt line: records whose newlines are lost are found again", () => {
  assert.deepEqual(split(A + B), [A, B]);
  assert.deepEqual(split(A + C + B + A), [A, C, B, A]);
});

test("corrupt line: the record after one truncated at any byte is found", () => {
  for (let length = 1; length < A.length; length++) {
    const cut = A.slice(0, length);
    const before = cut.at(-1)!;
    const expected = /[:,[ ]/.test(before) ? [`!${cut}${B}`] : [`!${cut}`, B];
    assert.deepEqual(split(cut + B), expected, cut);
  }
});

test("corrupt line: a record before a truncated one is found", () => {
  for (let length = 1; length < B.length; length++) {
    assert.deepEqual(split(A + B.slice(0, length)), [A, `!${B.slice(0, length)}`]);
  }
});

test("corrupt line: records around a corrupt one are found", () => {
  const corrupt = A.replace('"id"', '"id');
  assert.deepEqual(split(B + corrupt + C), [B, `!${corrupt}`, C]);
});

test("corrupt line: bytes after a record are separated from it", () => {
  for (const rest of ["\0\0\0\0", "x", " ", "}", "{", '{"type":', '{"type":"x","req":{}}']) {
    assert.deepEqual(split(A + rest), [A, `!${rest}`]);
  }
});

test("corrupt line: an object in the data that looks like a record is never mistaken for one", () => {
  const nested = `{"type":"call_start","req":{"start":{"inputs":{"a":[${B},${B}]}}}}`;
  const inner = nested.indexOf(B);
  for (let at = 0; at < nested.length; at++) {
    for (const byte of ["x", "\0", "}", '"', ":"]) {
      const line = nested.slice(0, at) + byte + nested.slice(at + 1);
      if (line === nested) continue;
      for (const piece of split(line)) assert.notEqual(piece, B, line);
    }
  }
  for (const cut of [inner + B.length, inner + 2 * B.length + 1]) {
    assert.deepEqual(split(nested.slice(0, cut)), [`!${nested.slice(0, cut)}`], "cut behind it");
  }
});

test("corrupt line: text that quotes records is treated as text", () => {
  const line = `{"type":"call_start","req":{"start":{"text":${JSON.stringify(A + B)}}`;
  assert.deepEqual(split(line), [`!${line}`]);
});

test("corrupt line: many candidate positions end the search without losing bytes", () => {
  const many = `x${'{"type":'.repeat(10_000)}`;
  assert.deepEqual(split(many), [`!${many}`]);
  const records = B.repeat(100);
  const pieces = split(records);
  assert.equal(pieces.length, 65);
  assert.equal(pieces.at(-1), `!${B.repeat(36)}`);
});

test("corrupt line: an empty line has no pieces", () => {
  assert.deepEqual(split(""), []);
});
