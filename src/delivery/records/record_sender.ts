/**
 * Sends all records that are not calls, each to its own endpoint.
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { DigestMap } from "../../wal/digest_map.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import { ENDPOINTS } from "../../protocol/endpoints.ts";
import { isProvisional, provisionalRowDigest } from "../../protocol/digest/provisional.ts";
import { topLevelField } from "../../bytes/json_fields.ts";
import { isOtelType } from "../../protocol/otlp/otel_request.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import { runConcurrently } from "../async/run_concurrently.ts";
import type { Send, SendContext } from "../calls/send_context.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { ContentCache, type ContentGroup } from "./content_cache.ts";
import { textField } from "../calls/call_fields.ts";
import { withoutFields } from "../calls/json_splice.ts";
import type { FormBody } from "../http/form_body.ts";
import type { SendOptions, SendOutcome } from "../http/send_with_retry.ts";
import { type BatchItem, sendBisecting } from "./bisect_batch.ts";
import { unsendableDeadLetter } from "./dead_letters.ts";
import { type FileRequest, formOf } from "./file_form.ts";
import { batchBody } from "./request_body.ts";
import { spanTasks } from "./span_sender.ts";
import type { Suspects } from "./suspects.ts";

const ORDERED: ReadonlySet<RecordType> = new Set([
  "call_update",
  "calls_delete",
  "table_update",
  "table_create_from_digests",
  "feedback_replace",
]);

/**
 * Returns whether a record acts on the results of earlier records. Such a record is sent
 * separately, after all earlier ones are delivered; no record depends on the others.
 */
export function actsOnEarlier(type: RecordType): boolean {
  return ORDERED.has(type);
}

/** Function that sends one record. Called again for a failed record. */
type Attempt = (options: SendOptions) => Promise<SendOutcome>;

/** Delivers records that are not calls, and remembers which endpoints the server has. */
export class RecordSender {
  /** Index of the path that a type is sent to, if the first is missing. */
  readonly #chosen = new Map<RecordType, number>();
  readonly #digests: DigestMap;
  readonly #maxInFlight: number;
  #feedbackBatch = true;

  readonly #content: ContentCache;

  /** @param maxInFlight Maximum number of requests in flight. */
  constructor(digests: DigestMap, clock: Clock, maxInFlight: number) {
    this.#digests = digests;
    this.#content = new ContentCache(clock);
    this.#maxInFlight = maxInFlight;
  }

  /**
   * Delivers the records that create values with provisional digests, one after another, before
   * everything that may refer to them.
   */
  async sendFirst(
    records: readonly BatchRecord[],
    { send, newSuspects }: SendContext,
  ): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    for (const record of records) {
      if (!makesProvisional(record)) continue;
      const suspects = newSuspects();
      deadLetters.push(
        ...await suspects.settle(() =>
          this.#send(record, () => this.#provisionalFirst(record, send), suspects)
        ),
      );
    }
    return deadLetters;
  }

  /**
   * Delivers all other records, and `calls`, concurrently.
   * @param ordered Whether a record must wait for earlier ones.
   */
  async sendAll(
    records: readonly BatchRecord[],
    calls: (() => Promise<DeadLetter[]>) | undefined,
    { send, newSuspects }: SendContext,
    ordered: boolean,
  ): Promise<DeadLetter[]> {
    const suspects = newSuspects();
    const feedback = records.filter(({ type }) => type === "feedback_create");
    const others = records.filter((record) =>
      record.type !== "feedback_create" && !isOtelType(record.type) && !makesProvisional(record)
    );
    const tasks = this.#content.group(others).map((group) => () =>
      this.#shared(group, send, suspects)
    );
    tasks.push(...spanTasks(records, send, suspects));
    if (feedback.length > 0) tasks.push(() => this.#feedback(feedback, send, suspects));
    if (calls) tasks.unshift(calls);
    return await suspects.settle(async () =>
      (await runConcurrently(tasks, ordered ? 1 : this.#maxInFlight)).flat()
    );
  }

  /** Sends one record for all with the same content; the others only if it was not delivered. */
  async #shared(group: ContentGroup, send: Send, suspects: Suspects): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    for (const record of group.records) {
      if (this.#content.has(group)) {
        suspects.accepted(group.records);
        break;
      }
      const build = (): Attempt => {
        const attempt = this.#single(record, send);
        return async (options) => {
          const verdict = await attempt(options);
          if (verdict.kind === "done") this.#content.add(group);
          return verdict;
        };
      };
      deadLetters.push(...await this.#send(record, build, suspects));
    }
    return deadLetters;
  }

  /** Sends one record if a request can be built from it. */
  async #send(
    record: BatchRecord,
    build: () => Attempt,
    suspects: Suspects,
  ): Promise<DeadLetter[]> {
    let attempt: Attempt;
    try {
      attempt = build();
    } catch (error) {
      return [unsendableDeadLetter(record, error)];
    }
    const post = (_: readonly BatchItem[], options: SendOptions) => attempt(options);
    return await sendBisecting([{ records: [record], pieces: [] }], { post, suspects });
  }

  #single(record: BatchRecord, send: Send): Attempt {
    const { type } = record;
    const { body, expectedDigestIn } = ENDPOINTS[type];
    if (body === "multipart") return this.#file(record, send);
    const request = record.bytes.slice(record.start, record.end);
    return async (options) => {
      const verdict = await this.#sendTo(type, () => request, send, options);
      const { kind } = verdict;
      if (kind !== "refused" || verdict.status !== 409 || expectedDigestIn === undefined) {
        return verdict;
      }
      // The record must not be lost because the server computes a different digest.
      const bare = withoutExpectedDigest(request, expectedDigestIn);
      return bare.length < request.length
        ? await this.#sendTo(type, () => bare, send, options)
        : verdict;
    };
  }

  #provisionalFirst(record: BatchRecord, send: Send): Attempt {
    const { type } = record;
    const provisional = expectedDigest(record)!;
    const request = record.bytes.slice(record.start, record.end);
    const bare = withoutExpectedDigest(request, ENDPOINTS[type].expectedDigestIn!);
    return async (options) => {
      const verdict = await this.#sendTo(type, () => bare, send, options);
      if (verdict.kind === "done") await this.#digests.learn(answered(provisional, verdict.text));
      return verdict;
    };
  }

  #file(record: BatchRecord, send: Send): Attempt {
    const text = decoder.decode(record.bytes.subarray(record.start, record.end));
    const file = JSON.parse(text) as FileRequest;
    formOf(file);
    return (options) => this.#sendTo(record.type, () => formOf(file), send, options);
  }

  /** Sends to the newest path of a type that the server has. */
  async #sendTo(
    type: RecordType,
    body: () => Uint8Array<ArrayBuffer> | FormBody,
    send: Send,
    options: SendOptions,
  ): Promise<SendOutcome> {
    const { paths } = ENDPOINTS[type];
    const chosen = this.#chosen.get(type) ?? 0;
    for (let step = 0;; step++) {
      const index = (chosen + step) % paths.length;
      const isLast = step === paths.length - 1;
      const verdict = await send(paths[index], body(), { ...options, isLastRoute: isLast });
      if (verdict.kind === "done") this.#chosen.set(type, index);
      if (isLast || verdict.kind !== "refused" || !verdict.missing) return verdict;
    }
  }

  async #feedback(
    records: readonly BatchRecord[],
    send: Send,
    suspects: Suspects,
  ): Promise<DeadLetter[]> {
    const { batch } = ENDPOINTS.feedback_create;
    if (batch !== undefined && this.#feedbackBatch && records.length > 1) {
      const items = records.map((record) => ({
        records: [record],
        pieces: [record.bytes.subarray(record.start, record.end)],
      }));
      const post = async (some: readonly BatchItem[], options: SendOptions) => {
        const verdict = await send(batch, batchBody(some.map(({ pieces }) => pieces)), options);
        if (verdict.kind === "refused" && verdict.missing) throw new RouteMissing();
        return verdict;
      };
      try {
        return await sendBisecting(items, { post, suspects });
      } catch (error) {
        if (!(error instanceof RouteMissing)) throw error;
        this.#feedbackBatch = false;
      }
    }
    const deadLetters: DeadLetter[] = [];
    for (const record of records) {
      deadLetters.push(...await this.#send(record, () => this.#single(record, send), suspects));
    }
    return deadLetters;
  }
}

/** Returns whether a record creates a value whose digest only the server can compute. */
function makesProvisional(record: BatchRecord): boolean {
  return isProvisional(expectedDigest(record));
}

function expectedDigest({ type, bytes, start, end }: BatchRecord): string | undefined {
  const { expectedDigestIn: wrapper, body } = ENDPOINTS[type];
  if (wrapper === undefined || body === "multipart") return undefined;
  const inner = wrapper === "" ? { start, end } : topLevelField(bytes, start, end, wrapper);
  return inner && textField(bytes, inner.start, inner.end, "expected_digest");
}

/** Returns the digests in a response, by provisional digest. */
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

const decoder = new TextDecoder();
/** Ends a batch early: the server does not have the endpoint. */
class RouteMissing extends Error {}

/**
 * Returns the request without `expected_digest` in the field `wrapper`, or at the top level if that
 * is `""`.
 */
function withoutExpectedDigest(
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
