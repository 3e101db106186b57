/**
 * Records of OpenTelemetry spans.
 *
 * @module
 */

import { base64 } from "../json/base64.ts";
import { jsonString } from "../json/well_formed.ts";
import type { RecordType } from "../record_types.ts";

/**
 * The views of Weave that accept spans. Each has its own endpoint and record type.
 *
 * @example
 * ```ts
 * import type { OtelView } from "@weave-wal/client";
 *
 * const view: OtelView | undefined = undefined; // The default view.
 * if (view !== undefined) throw new Error();
 * ```
 */
export type OtelView = "traces" | "agents";

const TYPES: Readonly<Record<OtelView, OtelRecordType>> = {
  traces: "otel_traces",
  agents: "otel_agents",
};

/** Record types whose requests are serialized spans. */
export type OtelRecordType = Extract<RecordType, "otel_traces" | "otel_agents">;

/** Returns the record type for the spans of a view. */
export function otelRecordType(view: OtelView): OtelRecordType {
  return TYPES[view];
}

/** Returns whether a record of this type contains serialized spans. */
export function isOtelType(type: RecordType): type is OtelRecordType {
  return type === "otel_traces" || type === "otel_agents";
}

/**
 * Returns the JSON text of the request of an `otel_traces` or `otel_agents` record.
 *
 * @param projectId `entity/project`.
 * @param request A serialized `ExportTraceServiceRequest`. It is sent byte for byte, together with
 * other records of the project. If the server rejects one of its spans, it is rejected as a whole,
 * so use one span per record.
 * @param span Trace ID and span ID, concatenated, if the start of the span was also recorded.
 *
 * @example
 * ```ts
 * const text = otelRequest("team/demo", Uint8Array.of(10, 0));
 * if (text !== '{"project_id":"team/demo","request_base64":"CgA="}') throw new Error(text);
 * ```
 */
export function otelRequest(projectId: string, request: Uint8Array, span?: string): string {
  const project = `{"project_id":${jsonString(projectId)}`;
  const id = span === undefined ? "" : `,"span":${jsonString(span)}`;
  return `${project}${id},"request_base64":"${base64(request)}"}`;
}
