/**
 * Every write that is no call, on its way to its own endpoint.
 *
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { DigestBook } from "../../wal/digest_map.ts";
import type { WindowRecord } from "../../wal/record/record_batch.ts";
import { ENDPOINTS } from "../../protocol/endpoints.ts";
import { isProvisional, provisionalRowDigest } from "../../protocol/digest/provisional.ts";
import { topLevelField } from "../../bytes/json_fields.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import { corruptLetter, letterOf, sendBatch } from "./bisect_batch.ts";
import { batchBody } from "./request_body.ts";
import { isMissing, type Send } from "../calls/call_sender.ts";
import { textField } from "../calls/call_fields.ts";
import type { Verdict } from "../http/send_with_retry.ts";
import { withoutFields } from "../calls/json_splice.ts";

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
  /** Which of its paths a type goes to, where the first turned out to be missing. */
  readonly #chosen = new Map<RecordType, number>();
  readonly #digests: DigestBook;
  #feedbackBatch = true;

  /** Makes a path that begins with the newer endpoints. */
  constructor(digests: DigestBook) {
    this.#digests = digests;
  }

  /**
   * What makes values with provisional digests goes out before everything that may name them, one
   * after the other.
   */
  firstTask(records: readonly WindowRecord[], send: Send): () => Promise<DeadLetter[]> {
    const makers = records.filter(makesProvisional);
    return async () => {
      const refused: DeadLetter[] = [];
      for (const record of makers) refused.push(...await this.#maker(record, send));
      return refused;
    };
  }

  /** What is to be done for these records: each task delivers some and returns what it could not. */
  tasks(
    records: readonly WindowRecord[],
    send: Send,
  ): (() => Promise<DeadLetter[]>)[] {
    const feedback = records.filter(({ type }) => type === "feedback_create");
    const others = records.filter((record) =>
      record.type !== "feedback_create" && !makesProvisional(record)
    );
    const tasks = others.map((record) => () => this.#single(record, send));
    if (feedback.length > 0) tasks.push(() => this.#feedback(feedback, send));
    return tasks;
  }

  async #single(
    record: WindowRecord,
    send: Send,
  ): Promise<DeadLetter[]> {
    const { type } = record;
    const { body, expectedDigestIn } = ENDPOINTS[type];
    if (body === "multipart") return await this.#file(record, send);
    const request = record.bytes.slice(record.start, record.end);
    let verdict = await this.#sendTo(type, () => request, send);
    if (verdict.kind === "refused" && verdict.status === 409 && expectedDigestIn !== undefined) {
      // A digest that the server computes otherwise is no reason to lose the record.
      const bare = withoutExpectedDigest(request, expectedDigestIn);
      if (bare.length < request.length) verdict = await this.#sendTo(type, () => bare, send);
    }
    return letters(record, verdict);
  }

  async #maker(record: WindowRecord, send: Send): Promise<DeadLetter[]> {
    const { type } = record;
    const provisional = expectedDigest(record)!;
    const request = record.bytes.slice(record.start, record.end);
    const bare = withoutExpectedDigest(request, ENDPOINTS[type].expectedDigestIn!);
    const verdict = await this.#sendTo(type, () => bare, send);
    if (verdict.kind === "done") await this.#digests.learn(answered(provisional, verdict.text));
    return letters(record, verdict);
  }

  async #file(
    record: WindowRecord,
    send: Send,
  ): Promise<DeadLetter[]> {
    let file: FileRequest;
    try {
      file = JSON.parse(
        decoder.decode(record.bytes.subarray(record.start, record.end)),
      ) as FileRequest;
    } catch {
      return [corruptLetter(record)];
    }
    return letters(record, await this.#sendTo(record.type, () => formOf(file), send));
  }

  /** Sends to the newest path of a type that the server has. */
  async #sendTo(
    type: RecordType,
    body: () => Uint8Array<ArrayBuffer> | FormData,
    send: Send,
  ): Promise<Verdict> {
    const { paths } = ENDPOINTS[type];
    const chosen = this.#chosen.get(type) ?? 0;
    let verdict = await send(paths[chosen], body());
    for (let step = 1; step < paths.length; step++) {
      if (verdict.kind !== "refused" || !isMissing(verdict)) break;
      const next = (chosen + step) % paths.length;
      verdict = await send(paths[next], body());
      if (verdict.kind === "done") this.#chosen.set(type, next);
    }
    return verdict;
  }

  async #feedback(
    records: readonly WindowRecord[],
    send: Send,
  ): Promise<DeadLetter[]> {
    const { batch } = ENDPOINTS.feedback_create;
    if (batch !== undefined && this.#feedbackBatch && records.length > 1) {
      const items = records.map((record) => ({
        records: [record],
        pieces: [record.bytes.subarray(record.start, record.end)],
      }));
      let missing = false;
      const refused = await sendBatch(items, async (some) => {
        if (missing) return NOTHING;
        const body = batchBody(some.map(({ pieces }) => pieces));
        const verdict = await send(batch, body);
        missing = verdict.kind === "refused" && isMissing(verdict);
        return missing ? NOTHING : verdict;
      });
      if (!missing) return refused;
      this.#feedbackBatch = false;
    }
    const refused: DeadLetter[] = [];
    for (const record of records) refused.push(...await this.#single(record, send));
    return refused;
  }
}

/** Whether a record makes a value whose digest only the server can know. */
function makesProvisional(record: WindowRecord): boolean {
  return isProvisional(expectedDigest(record));
}

function expectedDigest({ type, bytes, start, end }: WindowRecord): string | undefined {
  const { expectedDigestIn: wrapper, body } = ENDPOINTS[type];
  if (wrapper === undefined || body === "multipart") return undefined;
  const inner = wrapper === "" ? { start, end } : topLevelField(bytes, start, end, wrapper);
  return inner && textField(bytes, inner.start, inner.end, "expected_digest");
}

/** The digests in an answer, by what stood for them. */
function answered(provisional: string, text: string): [string, string][] {
  const { digest, row_digests: rows } = JSON.parse(text) as {
    digest?: unknown;
    row_digests?: unknown;
  };
  const found: [string, string][] = [];
  if (typeof digest === "string") found.push([provisional, digest]);
  if (Array.isArray(rows)) {
    rows.forEach((row, index) => {
      if (typeof row === "string") found.push([provisionalRowDigest(provisional, index), row]);
    });
  }
  return found;
}

function letters(record: WindowRecord, verdict: Verdict): DeadLetter[] {
  return verdict.kind === "done" ? [] : [letterOf(record, verdict)];
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

function formOf(file: FileRequest): FormData {
  const form = new FormData();
  form.set("project_id", file.project_id);
  form.set("file", new Blob([fileContent(file)]), file.name);
  return form;
}

function fileContent(file: FileRequest): Uint8Array<ArrayBuffer> {
  if (file.content_base64 === undefined) return new TextEncoder().encode(file.content ?? "");
  const binary = atob(file.content_base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The request without `expected_digest` in the field `wrapper`, or in itself when that is `""`. */
export function withoutExpectedDigest(
  request: Uint8Array<ArrayBuffer>,
  wrapper: string,
): Uint8Array<ArrayBuffer> {
  const inner = wrapper === ""
    ? { start: 0, end: request.length }
    : topLevelField(request, 0, request.length, wrapper);
  if (!inner) return request;
  const bare = withoutFields(request, inner.start, inner.end, ["expected_digest"]);
  const result = new Uint8Array(request.length - (inner.end - inner.start) + bare.length);
  result.set(request.subarray(0, inner.start));
  result.set(bare, inner.start);
  result.set(request.subarray(inner.end), inner.start + bare.length);
  return result;
}
