/**
 * Shared functions of the mock server's routes: state, parsing of bodies, error responses.
 *
 * @module
 */

import type { Context, Hono } from "hono";
import type { Json } from "./store/call_store.ts";
import type { Faults } from "./faults.ts";
import type { Journal, JournalEntry } from "./store/request_log.ts";
import type { MockBehavior } from "./options.ts";
import { type Refusal, refusalOfBody } from "./routes/refusals.ts";
import { check, type Problem, type Rule } from "./routes/validators.ts";
import type { MockStore } from "./store/store.ts";

/** Connection of a request, as faults need it. Created by the listener. */
export interface Wire {
  /** Aborted when the client disconnects before its response. */
  readonly left: AbortSignal;
  /** Settles when the response was sent or the connection was closed. */
  sent(): Promise<void>;
  /** Aborts the connection without a response. The returned response is a fallback. */
  tear(): Response;
  /** Sends status and headers of the complete response and `bytes` of its body, then aborts. */
  cut(answer: Response, body: Uint8Array, bytes: number): Response | Promise<Response>;
}

/** State of a mock server that outlives its listener. */
export interface MockDeps {
  readonly store: MockStore;
  readonly journal: Journal;
  readonly faults: Faults;
  readonly behavior: MockBehavior;
  /** Whether the journal keeps request bodies. */
  readonly journalBodies: boolean;
  /** Aborted when the listener stops. */
  readonly stopping: AbortSignal;
  /** Re-evaluates pending `waitFor` predicates. */
  changed(): void;
  /** Called for every request when its response is known. */
  answered(entry: JournalEntry): void;
}

/** Hono variables of a request. */
export interface MockEnv {
  Bindings: { wire: Wire };
  Variables: { bytes: Uint8Array; entry: JournalEntry };
}

/** Hono context of a request. */
export type MockContext = Context<MockEnv>;

/** The hono application of the mock server. */
export type MockApp = Hono<MockEnv>;

const decoder = new TextDecoder();

/** The request's body as text. */
export function bodyText(c: MockContext): string {
  return decoder.decode(c.get("bytes"));
}

/** The request's body if it is valid and the project exists; otherwise the error response. */
export function readBody(
  c: MockContext,
  rule: Rule,
  missingProjects: readonly string[] = [],
): { body: Json; text: string } | Response {
  const text = bodyText(c);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return unprocessable(c, [
      text === ""
        ? { type: "missing", loc: ["body"], msg: "Field required", input: null }
        : { type: "json_invalid", loc: ["body"], msg: String(error), input: {} },
    ]);
  }
  const problems = check(rule, body);
  if (problems.length > 0) return unprocessable(c, problems);
  const refusal = refusalOfBody(body, text, { missingProjects });
  return refusal ? refuse(c, refusal) : { body: body as Json, text };
}

/** A 422 response in FastAPI's format. */
export function unprocessable(c: MockContext, problems: readonly Problem[]): Response {
  return c.json({ detail: problems.slice(0, 10) }, 422);
}

/** An error response in the trace server's format. */
export function refuse(
  c: MockContext,
  { status, reason }: Pick<Refusal, "reason"> & { status: Refusal["status"] | 401 | 403 | 409 },
  errorCode?: string,
): Response {
  return c.json({ reason, ...(errorCode === undefined ? {} : { error_code: errorCode }) }, status);
}

/** The response of a router for an unknown path. */
export function noSuchRoute(c: MockContext): Response {
  return c.json({ detail: "Not Found" }, 404);
}
