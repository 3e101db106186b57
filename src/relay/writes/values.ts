/**
 * Records objects, tables and files, with the digests that the server will compute.
 *
 * @module
 */

import { fileRequest } from "../../client/objects/file_request.ts";
import { fileDigest, tableDigest } from "../../protocol/digest/digest.ts";
import {
  isProvisional,
  provisionalDigest,
  provisionalRowDigest,
  provisionalTableDigest,
} from "../../protocol/digest/provisional.ts";
import type { RelayLog } from "../log/relay_log.ts";
import type { WriteBatch } from "../log/write_batch.ts";
import { type JsonObject, jsonObject, readExact } from "../request/json_source.ts";
import type { JsonWrite } from "../request/json_write.ts";

/**
 * Records an object; returns `null` if only the server knows its digest and the log cannot store a
 * provisional one. A redacted object has another digest than the caller may expect, for which the
 * server would reject it.
 */
export async function recordObject(
  { body, text, isRedacted }: JsonWrite,
  batch: WriteBatch,
): Promise<string | null> {
  const obj = body.object("obj");
  const log = batch.log(obj.string("project_id"));
  const value = obj.text("val");
  if (value === undefined) throw new TypeError("No field: val");
  await log.project.forRefsIn(value);
  // The server rewrites values of classes that it knows before it computes the digest.
  let digest = obj.has("builtin_object_class") ? undefined : digestOf(log, value);
  const members = () => obj.members(isNoExpectation);
  if (digest === undefined) {
    if (!log.resolvesDigests) return null;
    digest = provisionalDigest(log.project.ids.uuidHex());
    const expected = `"expected_digest":"${digest}"`;
    batch.add(log, "obj_create", `{"obj":${jsonObject(members(), expected)}}`);
  } else if (isRedacted) batch.add(log, "obj_create", `{"obj":${jsonObject(members())}}`);
  else batch.add(log, "obj_create", text);
  return `{"digest":"${digest}","object_id":${obj.text("object_id") ?? "null"}}`;
}

/** Records a table; secrets and unknown digests are handled as for an object. */
export async function recordTable(
  { body, text, isRedacted }: JsonWrite,
  batch: WriteBatch,
): Promise<string | null> {
  const table = body.object("table");
  const log = batch.log(table.string("project_id"));
  const rows = table.texts("rows");
  await log.project.forRefsIn(text);
  const known = rows.map((row) => digestOf(log, row));
  const isKnown = (digests: (string | undefined)[]): digests is string[] =>
    !digests.includes(undefined);
  const members = () => table.members(isNoExpectation);
  if (isKnown(known)) {
    batch.add(log, "table_create", isRedacted ? `{"table":${jsonObject(members())}}` : text);
    return rememberTable(batch, log, tableDigest(known), known, rows);
  }
  if (!log.resolvesDigests) return null;
  const digest = provisionalTableDigest(log.project.ids.uuidHex());
  const expected = `"expected_digest":"${digest}"`;
  batch.add(log, "table_create", `{"table":${jsonObject(expected, members())}}`);
  const rowDigests = rows.map((_, index) => provisionalRowDigest(digest, index));
  return rememberTable(batch, log, digest, rowDigests, rows);
}

function rememberTable(
  batch: WriteBatch,
  log: RelayLog,
  digest: string,
  rowDigests: string[],
  rows: string[],
): string {
  batch.onAppended(() => log.tables.add(digest, rowDigests, rows));
  return JSON.stringify({ digest, row_digests: rowDigests });
}

/**
 * Records a change to a table; returns `null` if the base table is unknown here, because then only
 * the server knows the new digest.
 */
export function recordTableUpdate({ body, text }: JsonWrite, batch: WriteBatch): string | null {
  const log = batch.log(body.string("project_id"));
  const base = body.string("base_digest") ?? "";
  const known = isProvisional(base) ? undefined : log.tables.rowDigests(base);
  if (known === undefined) return null;
  const digests = [...known];
  const updated: string[] = [];
  for (const update of body.objects("updates")) {
    if (update.has("pop")) {
      const index = indexIn(update.object("pop"));
      if (index >= digests.length) return null;
      updated.push(...digests.splice(index, 1));
      continue;
    }
    const inserts = update.has("insert");
    const given = update.object(inserts ? "insert" : "append");
    const digest = digestOf(log, given.text("row") ?? "null");
    if (digest === undefined) return null;
    digests.splice(inserts ? indexIn(given) : digests.length, 0, digest);
    updated.push(digest);
  }
  batch.add(log, "table_update", text);
  const digest = tableDigest(digests);
  batch.onAppended(() => log.tables.add(digest, digests, null));
  return JSON.stringify({ digest, updated_row_digests: updated });
}

/**
 * Records a table of rows that the server has or receives earlier; returns `null` as for an object.
 */
export function recordTableOfDigests({ body, text }: JsonWrite, batch: WriteBatch): string | null {
  const log = batch.log(body.string("project_id"));
  const rowDigests = body.texts("row_digests").map((digest) => String(JSON.parse(digest)));
  let digest = tableDigest(rowDigests);
  let record = text;
  if (rowDigests.some(isProvisional)) {
    if (!log.resolvesDigests) return null;
    digest = provisionalTableDigest(log.project.ids.uuidHex());
    record = jsonObject(body.members(isNoExpectation), `"expected_digest":"${digest}"`);
  }
  batch.add(log, "table_create_from_digests", record);
  batch.onAppended(() => log.tables.add(digest, rowDigests, null));
  return JSON.stringify({ digest });
}

/** Records a file. */
export function recordFile(
  { projectId, name, content }: FileWrite,
  batch: WriteBatch,
): string {
  batch.add(batch.log(projectId), "file_create", fileRequest(projectId, name, content));
  return JSON.stringify({ digest: fileDigest(content) });
}

/** A file to record. */
export interface FileWrite {
  readonly projectId: string;
  readonly name: string;
  readonly content: string | Uint8Array;
}

/** Selects the fields of a request except the expected digest. */
function isNoExpectation(name: string): boolean {
  return name !== "expected_digest";
}

function digestOf(log: RelayLog, text: string): string | undefined {
  return log.project.digestOf(readExact(text));
}

function indexIn(object: JsonObject): number {
  const index = Number(object.text("index"));
  if (!Number.isInteger(index) || index < 0) throw new TypeError("No field: index");
  return index;
}
