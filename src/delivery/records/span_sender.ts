/**
 * Sends OpenTelemetry spans: those of several records in one request, with their original bytes.
 * Two concatenated serialized requests are one request with the spans of both.
 * @module
 */

import { ENDPOINTS } from "../../protocol/endpoints.ts";
import { PROTOBUF_TYPE } from "../../protocol/otlp/otel_reply.ts";
import { isOtelType, type OtelRecordType } from "../../protocol/otlp/otel_request.ts";
import { joinBytes } from "../../protocol/otlp/wire.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { Send } from "../calls/send_context.ts";
import { type BatchItem, sendBisecting } from "./bisect_batch.ts";
import { unsendableDeadLetter } from "./dead_letters.ts";
import { decodeSpans, maxSpanBytes, projectOfSpans } from "./span_record.ts";
import type { Suspects } from "./suspects.ts";

/** Spans of one project and view, in order. */
interface SpanGroup {
  readonly type: OtelRecordType;
  readonly project: string;
  readonly records: BatchRecord[];
}

/** Creates a task for each project and view with spans among `records`. */
export function spanTasks(
  records: readonly BatchRecord[],
  send: Send,
  suspects: Suspects,
): (() => Promise<DeadLetter[]>)[] {
  const groups = new Map<string, SpanGroup>();
  for (const record of records) {
    const { type } = record;
    if (!isOtelType(type)) continue;
    const project = projectOfSpans(record);
    const key = `${type} ${project}`;
    const group = groups.get(key) ?? { type, project, records: [] };
    groups.set(key, group);
    group.records.push(record);
  }
  return [...groups.values()].map((group) => () => sendGroup(group, send, suspects));
}

async function sendGroup(
  { type, project, records }: SpanGroup,
  send: Send,
  suspects: Suspects,
): Promise<DeadLetter[]> {
  const unsendable: DeadLetter[] = [];
  const items: BatchItem[] = [];
  const body = new Uint8Array(records.reduce((size, record) => size + maxSpanBytes(record), 0));
  let at = 0;
  for (const record of records) {
    try {
      const end = at + decodeSpans(record, body, at);
      items.push({ records: [record], pieces: [body.subarray(at, end)] });
      at = end;
    } catch (error) {
      unsendable.push(unsendableDeadLetter(record, error));
    }
  }
  const [path] = ENDPOINTS[type].paths;
  const headers = { "Content-Type": PROTOBUF_TYPE, ...projectHeader(project) };
  const refused = await sendBisecting(items, {
    post: (some, options) =>
      send(path, bodyOf(some), {
        ...options,
        headers,
        isLastRoute: true,
      }),
    suspects,
  });
  return [...unsendable, ...refused];
}

/** A header allows no other characters; other spans have their project in their resource. */
function projectHeader(project: string): Record<string, string> {
  return /^[\x21-\x7e]+( +[\x21-\x7e]+)*$/.test(project) ? { project_id: project } : {};
}

/** Returns the spans of all items, as one piece of memory if they follow one another in it. */
function bodyOf(items: readonly BatchItem[]): Uint8Array<ArrayBuffer> {
  const pieces = items.flatMap(({ pieces }) => pieces) as Uint8Array<ArrayBuffer>[];
  const [first] = pieces;
  const last = pieces[pieces.length - 1];
  const size = last.byteOffset + last.length - first.byteOffset;
  const isWhole = pieces.reduce((sum, { length }) => sum + length, 0) === size;
  return isWhole ? new Uint8Array(first.buffer, first.byteOffset, size) : joinBytes(pieces);
}
