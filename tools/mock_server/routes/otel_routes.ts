/**
 * OpenTelemetry spans, for the Traces view and the Agents view.
 *
 * @module
 */

import { readSpans, type Span } from "../../../src/protocol/otlp/spans.ts";
import { isProtobuf, PROTOBUF_TYPE } from "../../../src/protocol/otlp/otel_reply.ts";
import type { OtelView } from "../../../src/protocol/otlp/otel_request.ts";
import { delimited, joinBytes, varintField } from "../../../src/protocol/otlp/wire.ts";
import { type MockApp, type MockContext, type MockDeps, refuse } from "../exchange.ts";
import { refusalOfProject } from "./refusals.ts";

/** Path of each view. */
const PATHS: Readonly<Record<OtelView, string>> = {
  traces: "/otel/v1/traces",
  agents: "/agents/otel/v1/traces",
};

/** Rejected spans, and the reason. */
interface Rejected {
  readonly count: number;
  readonly errors: readonly string[];
}

/** Adds the routes of spans to the application. */
export function addOtelRoutes(app: MockApp, { store, behavior }: MockDeps): void {
  for (const [view, path] of Object.entries(PATHS) as [OtelView, string][]) {
    app.post(path, async (c) => {
      let spans: Span[];
      try {
        if (!isProtobuf(c.req.header("content-type") ?? null)) throw new TypeError("no protobuf");
        spans = readSpans(await inflated(c));
      } catch (error) {
        return refuse(c, {
          status: 400,
          reason: `Cannot parse spans: ${(error as Error).message}`,
        });
      }
      c.get("entry").items = spans.length;
      const placed: { span: Span; project: string }[] = [];
      for (const span of spans) {
        const project = projectOf(c, span);
        if (project === null) {
          return refuse(c, { status: 400, reason: "Spans name no wandb.entity and wandb.project" });
        }
        const missing = refusalOfProject(project, behavior.missingProjects);
        if (missing) return refuse(c, missing);
        placed.push({ span, project });
      }
      const errors: string[] = [];
      for (const { span, project } of placed) {
        const conflict = attributeConflict(span);
        if (conflict === null) store.project(project).spans.add(view, span);
        else {errors.push(
            `Rejected span (name='${span.name}' span_id='${span.spanId}'): ${conflict}`,
          );}
      }
      store.counts.rejectedSpans += errors.length;
      return behavior.otelReply === "json"
        ? jsonReply(c, view, spans.length, { count: errors.length, errors })
        : protobufReply({ count: errors.length, errors });
    });
  }
}

async function inflated(c: MockContext): Promise<Uint8Array> {
  const bytes = c.get("bytes");
  const encoding = c.req.header("content-encoding");
  if (encoding !== "gzip" && encoding !== "deflate") return bytes;
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream(encoding));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The project in the span's resource, or in the header of the request. */
function projectOf(c: MockContext, { resource }: Span): string | null {
  const { "wandb.entity": entity, "wandb.project": project } = resource;
  if (typeof entity === "string" && typeof project === "string") return `${entity}/${project}`;
  const header = c.req.header("project_id") ?? "";
  return /^[^/]+\/[^/]+$/.test(header) ? header : null;
}

/** The server builds a tree of attribute names: a value cannot have fields as well. */
function attributeConflict({ attributes }: Span): string | null {
  for (const name of Object.keys(attributes)) {
    for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
      const parent = name.slice(0, dot);
      if (Object.hasOwn(attributes, parent)) {
        return `cannot set subkey '${name.slice(dot + 1)}' under parent key '${parent}'`;
      }
    }
  }
  return null;
}

function jsonReply(c: MockContext, view: OtelView, spans: number, rejected: Rejected): Response {
  const error_message = rejected.errors.join("; ");
  if (view === "agents") {
    const { count } = rejected;
    return c.json({ accepted_spans: spans - count, rejected_spans: count, error_message });
  }
  return c.json({
    partial_success: rejected.count === 0
      ? null
      : { rejected_spans: rejected.count, error_message },
  });
}

function protobufReply({ count, errors }: Rejected): Response {
  const text = new TextEncoder().encode(errors.join("; "));
  const body = count === 0
    ? new Uint8Array(0)
    : delimited(1, joinBytes([varintField(1, count), delimited(2, text)]));
  return new Response(body, { headers: { "content-type": PROTOBUF_TYPE } });
}
