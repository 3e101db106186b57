/**
 * Every write that is no call, on its way to its own endpoint.
 *
 * @module
 */

import type { DeadLetter } from "../wal/segment.ts";
import type { Window, WindowRecord } from "../wal/window.ts";
import { topLevelField } from "../weave/json_fields.ts";
import type { RecordType } from "../weave/record_types.ts";
import { corruptLetter, refusedLetter, sendBatch } from "./batch.ts";
import { batchBody } from "./body.ts";
import { isMissing, type Send } from "./call_path.ts";
import type { Verdict } from "./exchange.ts";
import { withoutFields } from "./json_cut.ts";

/** Record types that are no calls. */
export type SingleType = Exclude<RecordType, "call_start" | "call_end">;

const PATHS: Readonly<Record<Exclude<SingleType, "file_create">, string>> = {
  call_update: "/call/update",
  calls_delete: "/calls/delete",
  obj_create: "/obj/create",
  table_create: "/table/create",
  table_update: "/table/update",
  table_create_from_digests: "/table/create_from_digests",
  feedback_create: "/feedback/create",
  feedback_replace: "/feedback/replace",
  cost_create: "/cost/create",
};

/** Newer and older path of a file upload; a server knows at least one. */
const FILE_PATHS = ["/files/create", "/file/create"] as const;
const FEEDBACK_BATCH_PATH = "/feedback/batch/create";

const ORDERED: ReadonlySet<RecordType> = new Set([
  "call_update",
  "calls_delete",
  "table_update",
  "table_create_from_digests",
  "feedback_replace",
]);

/**
 * Whether a record acts on what earlier records made. It goes out alone, after all before it is
 * delivered; the others make things that nothing else has to wait for.
 */
export function actsOnEarlier(type: RecordType): boolean {
  return ORDERED.has(type);
}

/** Delivers records that are no calls, and keeps track of which endpoints the server has. */
export class RecordPath {
  readonly #send: Send;
  #filePath = 0;
  #feedbackBatch = true;

  /** Makes a path that begins with the newer endpoints. */
  constructor(send: Send) {
    this.#send = send;
  }

  /** What is to be done for these records: each task delivers some and returns what it could not. */
  tasks(
    bytes: Window["bytes"],
    records: readonly WindowRecord[],
  ): (() => Promise<DeadLetter[]>)[] {
    const feedback = records.filter(({ type }) => type === "feedback_create");
    const others = records.filter(({ type }) => type !== "feedback_create");
    const tasks = others.map((record) => () => this.#single(bytes, record));
    if (feedback.length > 0) tasks.push(() => this.#feedback(bytes, feedback));
    return tasks;
  }

  async #single(bytes: Window["bytes"], record: WindowRecord): Promise<DeadLetter[]> {
    const type = record.type as SingleType;
    if (type === "file_create") return await this.#file(bytes, record);
    const request = bytes.slice(record.start, record.end);
    return this.#letters(bytes, record, await this.#withoutDigest(PATHS[type], request));
  }

  /** A digest that the server computes otherwise is no reason to lose the record. */
  async #withoutDigest(path: string, request: Uint8Array<ArrayBuffer>): Promise<Verdict> {
    const verdict = await this.#send(path, request);
    if (verdict.kind !== "refused" || verdict.status !== 409) return verdict;
    const bare = withoutExpectedDigest(request);
    return bare.length === request.length ? verdict : await this.#send(path, bare);
  }

  async #file(bytes: Window["bytes"], record: WindowRecord): Promise<DeadLetter[]> {
    let file: FileRequest;
    try {
      file = JSON.parse(decoder.decode(bytes.subarray(record.start, record.end))) as FileRequest;
    } catch {
      return [corruptLetter(bytes, record)];
    }
    const path = this.#filePath;
    let verdict = await this.#sendFile(FILE_PATHS[path], file);
    if (verdict.kind === "refused" && isMissing(verdict)) {
      const other = 1 - path;
      const second = await this.#sendFile(FILE_PATHS[other], file);
      if (second.kind !== "refused" || !isMissing(second)) this.#filePath = other;
      verdict = second;
    }
    return this.#letters(bytes, record, verdict);
  }

  #sendFile(path: string, file: FileRequest): Promise<Verdict> {
    const form = new FormData();
    form.set("project_id", file.project_id);
    form.set("file", new Blob([fileContent(file)]), file.name);
    return this.#send(path, form);
  }

  async #feedback(
    bytes: Window["bytes"],
    records: readonly WindowRecord[],
  ): Promise<DeadLetter[]> {
    if (this.#feedbackBatch && records.length > 1) {
      const items = records.map((record) => ({
        records: [record],
        pieces: [bytes.subarray(record.start, record.end)],
      }));
      let missing = false;
      const letters = await sendBatch(bytes, items, async (some) => {
        if (missing) return NOTHING;
        const body = batchBody(some.map(({ pieces }) => pieces));
        const verdict = await this.#send(FEEDBACK_BATCH_PATH, body);
        missing = verdict.kind === "refused" && isMissing(verdict);
        return missing ? NOTHING : verdict;
      });
      if (!missing) return letters;
      this.#feedbackBatch = false;
    }
    const letters: DeadLetter[] = [];
    for (const record of records) {
      const request = bytes.slice(record.start, record.end);
      const verdict = await this.#send(PATHS.feedback_create, request);
      letters.push(...this.#letters(bytes, record, verdict));
    }
    return letters;
  }

  #letters(bytes: Window["bytes"], record: WindowRecord, verdict: Verdict): DeadLetter[] {
    return verdict.kind === "done" ? [] : [refusedLetter(bytes, record, verdict)];
  }
}

const decoder = new TextDecoder();
/** Ends a batch early when it turns out that the server has no such endpoint. */
const NOTHING: Verdict = { kind: "done", text: "" };

interface FileRequest {
  readonly project_id: string;
  readonly name: string;
  readonly content?: string;
  readonly content_base64?: string;
}

function fileContent(file: FileRequest): Uint8Array<ArrayBuffer> {
  if (file.content_base64 === undefined) return new TextEncoder().encode(file.content ?? "");
  const binary = atob(file.content_base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The request without `expected_digest`, at the top or inside `obj` or `table`. */
export function withoutExpectedDigest(request: Uint8Array): Uint8Array<ArrayBuffer> {
  const NAME = "expected_digest";
  for (const wrapper of ["obj", "table"]) {
    const inner = topLevelField(request, 0, request.length, wrapper);
    if (!inner) continue;
    const bare = withoutFields(request, inner.start, inner.end, [NAME]);
    const result = new Uint8Array(request.length - (inner.end - inner.start) + bare.length);
    result.set(request.subarray(0, inner.start));
    result.set(bare, inner.start);
    result.set(request.subarray(inner.end), inner.start + bare.length);
    return result;
  }
  return new Uint8Array(withoutFields(request, 0, request.length, [NAME]));
}
