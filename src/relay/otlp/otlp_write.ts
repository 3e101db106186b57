/**
 * Records spans from OTLP exporters.
 *
 * @module
 */

import { isProtobuf, PROTOBUF_TYPE } from "../../protocol/otlp/otel_reply.ts";
import { otelRecordType, otelRequest, type OtelView } from "../../protocol/otlp/otel_request.ts";
import { delimited } from "../../protocol/otlp/wire.ts";
import type { WriteBatch } from "../log/write_batch.ts";
import { RefusedRequest } from "../request/read_body.ts";
import type { RequestRedaction } from "../request/redaction.ts";
import { transcodeSpans } from "./json_spans.ts";
import { splitSpans } from "./split_spans.ts";

/** A request from an exporter. */
export interface SpansWrite {
  readonly view: OtelView;
  /** Its `Content-Type`. */
  readonly type: string | null;
  readonly body: Uint8Array;
  /** Project of spans whose resource does not contain one. */
  readonly projectId: string | undefined;
  readonly redaction: RequestRedaction;
}

/**
 * Adds a record for each span.
 *
 * @throws {RefusedRequest} 415 for types other than protobuf and JSON, 400 for a body that cannot
 * be read or has no project.
 */
export function recordSpans(write: SpansWrite, batch: WriteBatch): void {
  for (const { projectId, request } of spansIn(write)) {
    const project = projectId ?? write.projectId;
    if (project === undefined) {
      throw new RefusedRequest(
        400,
        "Spans name no project: set the resource attributes wandb.entity and wandb.project, the header " +
          "project_id: entity/project, or --project of the relay",
      );
    }
    batch.add(logOf(batch, project), otelRecordType(write.view), otelRequest(project, request));
  }
}

/** Returns the spans of a request, redacted. */
function spansIn({ type, body, redaction }: SpansWrite): ReturnType<typeof splitSpans> {
  const isJson = isJsonType(type);
  if (!isJson && !isProtobuf(type)) {
    throw new RefusedRequest(415, `Unknown content type: ${JSON.stringify(type)}`);
  }
  try {
    const spans = splitSpans(isJson ? transcodeSpans(new TextDecoder().decode(body)) : body);
    return spans.map((span) => ({ ...span, request: redaction.span(span.request) }));
  } catch (error) {
    throw new RefusedRequest(400, `Cannot read spans: ${(error as Error).message}`);
  }
}

function logOf(batch: WriteBatch, project: string): ReturnType<WriteBatch["log"]> {
  try {
    return batch.log(project);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_INVALID_NAME") throw error;
    throw new RefusedRequest(400, (error as Error).message);
  }
}

/** Creates the response to accepted spans, in the encoding of the request. */
export function spansReply(type: string | null): Response {
  return isJsonType(type)
    ? Response.json({})
    : new Response(new Uint8Array(0), { headers: { "content-type": PROTOBUF_TYPE } });
}

/** Creates the response to refused spans, a `Status`. */
export function spansRefusal(
  type: string | null,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>>,
): Response {
  if (!isProtobuf(type)) return Response.json({ message }, { status, headers });
  const body = delimited(2, new TextEncoder().encode(message));
  return new Response(body, { status, headers: { ...headers, "content-type": PROTOBUF_TYPE } });
}

function isJsonType(type: string | null): boolean {
  return /^application\/json\b/i.test(type ?? "");
}
