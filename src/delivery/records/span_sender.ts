/**
 * Sends OpenTelemetry spans: those of several records in one request, with their original bytes.
 * Two concatenated serialized requests are one request with the spans of both.
 * @module
 */

import { fromBase64 } from "../../protocol/json/base64.ts";
import { ENDPOINTS } from "../../protocol/endpoints.ts";
import { PROTOBUF_TYPE } from "../../protocol/otlp/otel_reply.ts";
import { isOtelType, type OtelRecordType } from "../../protocol/otlp/otel_request.ts";
import { joinBytes } from "../../protocol/otlp/wire.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { textField } from "../calls/call_fields.ts";
import type { Send } from "../calls/send_context.ts";
import { type BatchItem, sendBisecting } from "./bisect_batch.ts";
import { unsendableDeadLetter } from "./dead_letters.ts";
import { projectOf } from "./project_of.ts";
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
    const project = projectOf(record) ?? "";
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
  for (const record of records) {
    try {
      items.push({ records: [record], pieces: [spansOf(record)] });
    } catch (error) {
      unsendable.push(unsendableDeadLetter(record, error));
    }
  }
  const [path] = ENDPOINTS[type].paths;
  const headers = { "Content-Type": PROTOBUF_TYPE, ...projectHeader(project) };
  const refused = await sendBisecting(items, {
    post: (some, options) =>
      send(path, joinBytes(some.flatMap(({ pieces }) => pieces)), {
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

function spansOf({ bytes, start, end }: BatchRecord): Uint8Array<ArrayBuffer> {
  const text = textField(bytes, start, end, "request_base64");
  if (text === undefined) throw new TypeError("Cannot find request_base64 of spans");
  return fromBase64(text);
}
