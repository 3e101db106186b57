/**
 * Forms encoded as bytes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FormBody } from "../../../src/delivery/http/form_body.ts";
import { test } from "../../harness.ts";

const encoder = new TextEncoder();

async function parsed({ bytes, contentType }: FormBody): Promise<FormData> {
  return await new Response(bytes, { headers: { "Content-Type": contentType } }).formData();
}

test("form_body: a runtime reads back the fields, and a second form has the same bytes", async () => {
  const content = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const fields = [
    { name: "project_id", content: encoder.encode("team/projekt-ä") },
    { name: "file", filename: "größe.txt", content },
  ];
  const made = new FormBody(fields);
  const form = await parsed(made);
  assert.equal(form.get("project_id"), "team/projekt-ä");
  const file = form.get("file") as File;
  assert.equal(file.name, "größe.txt");
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), content);
  assert.deepEqual(new FormBody(fields), made);
});

test("form_body: content that looks like a boundary, and quotes in names, end no field", async () => {
  const content = encoder.encode(
    '\r\n--weave-wal-form-0\r\n\r\n--weave-wal-form-0--\r\nweave-wal-form-1"\r\n',
  );
  const form = await parsed(
    new FormBody([{ name: "file", filename: 'a"b\r\nX: c.txt', content }]),
  );
  assert.deepEqual([...form.keys()], ["file"]);
  const file = form.get("file") as File;
  assert.match(file.name, /^a("|%22)b(\r\n|%0D%0A)X: c\.txt$/);
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), content);
});

test("form_body: content full of boundaries gets a boundary that it does not contain", async () => {
  const used = Array.from({ length: 100_000 }, (_, number) => `--weave-wal-form-${number}\r\n`);
  const content = encoder.encode(used.join(""));
  const made = new FormBody([{ name: "file", filename: "f", content }]);
  assert.equal(made.contentType, "multipart/form-data; boundary=weave-wal-form-100000");
  const file = (await parsed(made)).get("file") as File;
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), content);
});
