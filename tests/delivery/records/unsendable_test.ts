/**
 * Records and sidecar files from which no request can be made.
 *
 * @module
 */

import assert from "node:assert/strict";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "../../harness.ts";
import { appendCalls, withDelivery } from "../../support/delivery/delivery_fixture.ts";
import { DIGEST_MAP_NAME, DigestMap } from "../../../src/wal/digest_map.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

const file = (fields: Record<string, unknown>) =>
  JSON.stringify({ project_id: "team/project", name: "a.bin", ...fields });

const UNSENDABLE: Record<string, string> = {
  "content that is not Base64": file({ content_base64: "***" }),
  "content of another type": file({ content_base64: 7 }),
  "text of another type": file({ content: { a: 1 } }),
  "no name": file({ name: undefined, content: "a" }),
  "no project": file({ project_id: null, content: "a" }),
};

for (const [what, request] of Object.entries(UNSENDABLE)) {
  test(`unsendable: a file with ${what} is dead-lettered as such, and the rest is delivered`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      const pipeline = fixture.open();
      appendCalls(pipeline, "a", 3);
      pipeline.append("file_create", request);
      pipeline.append("file_create", file({ content: "fine" }));
      appendCalls(pipeline, "b", 3);
      const result = await pipeline.finish();
      assert.deepEqual([result.done, result.deadLettered], [true, 1]);
      assert.equal(fixture.mock.store.finishedCount("team/project"), 6);
      const [{ type, req, error }] = fixture.deadLetters();
      assert.deepEqual([type, error.reason], ["file_create", "unsendable"]);
      assert.deepEqual(req, JSON.parse(request));
      assert.match(String(error.message), /\w+: ./);
      assert.ok(!fixture.events.some(({ name }) => name === "disk-error"));
    });
  });
}

const TOKEN = `PROVISIONAL${"0".repeat(32)}`;
const DIGEST = "d".repeat(TOKEN.length);
const BAD_LINES: Record<string, string> = {
  "a digest longer than its token": JSON.stringify([TOKEN, `${DIGEST}-and-more`]),
  "a digest shorter than its token": JSON.stringify([TOKEN, "d"]),
  "a digest that ends the text around it": JSON.stringify([TOKEN, DIGEST.slice(1) + '"']),
  "a digest beyond ASCII": JSON.stringify([TOKEN, "é".repeat(TOKEN.length)]),
  "a token of another kind": JSON.stringify(["team/project".padEnd(40), "x".repeat(40)]),
  "half a line": `["${TOKEN}`,
  "numbers": "[1,2]",
  "another value": "null",
};

for (const [what, line] of Object.entries(BAD_LINES)) {
  test(`digests: a line with ${what} is ignored`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      mkdirSync(fixture.walDir, { recursive: true });
      appendFileSync(join(fixture.walDir, DIGEST_MAP_NAME), `${line}\n`);
      const book = new DigestMap(detectRuntime().files, fixture.walDir);
      const text = JSON.stringify({ ref: `weave:///team/project/object/o:${TOKEN}`, tail: "x" });
      const body = new TextEncoder().encode(text);
      book.settle(body);
      assert.equal(new TextDecoder().decode(body), text);
      const pipeline = fixture.open();
      const obj = { project_id: "team/project", object_id: "o", val: { ref: TOKEN } };
      pipeline.append("obj_create", JSON.stringify({ obj }));
      appendCalls(pipeline, "a", 3);
      const result = await pipeline.finish();
      assert.deepEqual([result.done, result.deadLettered, result.delivered], [true, 0, 7]);
    });
  });
}
