/**
 * Intercepts the SDK's requests, with an in-memory log.
 *
 * @module
 */

import { MemoryRuntime } from "../simulated_runtime/memory.ts";
import { intercepting } from "../../../src/drop_in/intercept/intercept.ts";
import { SdkLogs } from "../../../src/drop_in/logs/sdk_logs.ts";
import { type Any, FakePipeline } from "../client/client_fixture.ts";

/** Base URL of the server. */
export const SERVER: string = "https://trace.example.com/traces";
/** The API key of the SDK. */
export const KEY: string = "k".repeat(40);
/** Headers of the SDK. */
export const HEADERS: Record<string, string> = {
  "User-Agent": "W&B Weave JS Client unknown",
  Authorization: `Basic ${btoa(`api:${KEY}`)}`,
  "Content-Type": "application/json",
};

/** A log, and a `fetch` that intercepts requests for it. */
export interface Ground {
  logs: SdkLogs;
  runtime: MemoryRuntime;
  pipeline: FakePipeline;
  /** Requests passed to the network: the SDK's and the log's own. */
  sent: string[];
  logged: string[];
  fetch: ReturnType<typeof intercepting>;
  post(path: string, body: unknown): Promise<Any>;
}

/** Opens a log. */
export function ground(
  host: {
    trusted?: boolean;
    env?: Record<string, string>;
    answer?: (url: string, init?: RequestInit) => Response | Promise<Response>;
  } = {},
): Ground {
  const { trusted = false, env = {}, answer = () => Response.json({ from: "server" }) } = host;
  const pipeline = new FakePipeline();
  const sent: string[] = [];
  const logged: string[] = [];
  const next = async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = input instanceof Request ? input.url : String(input);
    sent.push(url.replace(SERVER, ""));
    return await answer(url, init);
  };
  const runtime = new MemoryRuntime({ env });
  const logs = new SdkLogs({}, {
    runtime,
    fetch: next as typeof globalThis.fetch,
    sink: { warn: (line) => logged.push(line) },
    openPipeline: (options) => {
      pipeline.options = options;
      return pipeline;
    },
  });
  const fetch = intercepting(logs, next, { trusted });
  return {
    logs,
    runtime,
    pipeline,
    sent,
    logged,
    fetch,
    post: async (path, body) => {
      const init = { method: "POST", headers: HEADERS, body: JSON.stringify(body) };
      return await (await fetch(SERVER + path, init)).json();
    },
  };
}

/** Requests except those that the log makes for itself. */
export const others = (sent: string[]): string[] =>
  sent.filter((path) => path !== "/service/projects_info");

/** The start of a call, as sent by the SDK. */
export const start = (id: string): Any => ({
  project_id: "team/p",
  id,
  op_name: "weave:///team/p/op/f:abc",
  trace_id: `trace-${id}`,
  started_at: "2025-01-01T00:00:00.000Z",
  attributes: { a: 1 },
  inputs: { n: 1.5, text: "é" },
});

/** The end of the call. */
export const end = (id: string): Any => ({
  project_id: "team/p",
  id,
  ended_at: "2025-01-01T00:00:01.000Z",
  output: [1, null],
  summary: {},
});

/** The end as recorded: with fields of the start. */
export const wholeEnd = (id: string): Any => {
  const { trace_id, started_at } = start(id);
  const { project_id, id: _, ...rest } = end(id);
  return { project_id, id, trace_id, started_at, ...rest };
};
