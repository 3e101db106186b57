/**
 * Classifies the outcome of an attempt.
 *
 * | Outcome                                                     | Class                              |
 * | ----------------------------------------------------------- | ---------------------------------- |
 * | 2xx with the response of this endpoint                      | `done`                             |
 * | 2xx that rejects some of the spans in the request           | `refused`                          |
 * | none, incomplete, timed out, 408, 425, 429, 5xx             | failure; the server is `down`      |
 * | 401, 403, 407, 3xx, anything that is not the trace server's | failure; the server is `blocked`   |
 * | 413                                                         | `too-large`                        |
 * | 404 with the router's body, or without a reason; 405        | `refused`, and the route is missing |
 * | any other 4xx                                               | `refused`                          |
 *
 * @module
 */

import { rejectedSpans } from "../../protocol/otlp/otel_reply.ts";
import { isOtelPath, replyKind } from "../../protocol/replies.ts";
import { CHECK_MS } from "./backoff.ts";
import type { Answer, Attempt } from "./transport.ts";

/** Rejection of a request by the server. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** `error_code` of the response. */
  readonly errorCode?: string;
  /** Whether the server does not have the route. */
  readonly missing: boolean;
  /** Whether a 404 has a reason: a record or a project was not found. */
  readonly notFound: boolean;
  /** Whether it is not known if the server has what a record refers to, because a read failed. */
  readonly isUndecided?: boolean;
}

/** Failure that is not attributable to the request, based on a single response. */
export interface Failure {
  readonly kind: "failure";
  readonly state: "down" | "blocked";
  readonly reason: string;
  readonly status?: number;
  /** Message from the server. */
  readonly message?: string;
  /** Wait requested by the server, in ms. */
  readonly wait?: number;
  /** Minimum ms before the next attempt. */
  readonly pause?: number;
  /** Maximum ms before the next attempt, unless the server asked for more. */
  readonly maxDelay?: number;
  /**
   * Whether the response asks to wait or is not the trace server's, so it does not show that the
   * record is at fault.
   */
  readonly asksToWait: boolean;
}

/** Class of an outcome. */
export type Outcome =
  | { readonly kind: "done"; readonly text: string }
  /** A 2xx response with fields that no response of the trace server has had so far. */
  | { readonly kind: "unclear"; readonly text: string; readonly status: number }
  | { readonly kind: "too-large"; readonly status: number; readonly message: string }
  | Refusal & { readonly kind: "refused" }
  | Failure;

/** Statuses that ask to wait. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/** Facts about the server. */
export interface ServerFacts {
  /** Base URL, for messages. */
  readonly serverUrl: string;
  /** Returns whether the API of a path has answered with 2xx before. */
  readonly hasAnswered: (path: string) => boolean;
}

/** Classifies the outcome of an attempt at `path`. */
export function classify(
  attempt: Exclude<Attempt, { kind: "stopped" | "interrupted" }>,
  path: string,
  facts: ServerFacts,
): Outcome {
  switch (attempt.kind) {
    case "unreachable": {
      const { error, pause = 0 } = attempt;
      return { kind: "failure", state: "down", reason: error, pause, asksToWait: false };
    }
    case "oversize": {
      const { status, maxBytes } = attempt;
      return foreign(status, facts, `is longer than ${maxBytes} bytes`);
    }
    case "answer":
      return attempt.status >= 200 && attempt.status < 300
        ? success(attempt, path, facts)
        : rejection(attempt, path, facts);
  }
}

/** Returns the failure for a response that is not the trace server's. */
export function foreign(
  status: number,
  { serverUrl }: ServerFacts,
  what = "is not the trace server's",
): Failure {
  const reason =
    `HTTP ${status}: the response of ${serverUrl} ${what}; check the URL, or log in to ` +
    "the network";
  // A captive portal's login usually takes little time.
  const maxDelay = CHECK_MS;
  return { kind: "failure", state: "blocked", reason, status, maxDelay, asksToWait: true };
}

function success({ status, text }: Answer, path: string, facts: ServerFacts): Outcome {
  switch (replyKind(path, text)) {
    case "reply": {
      const rejected = isOtelPath(path) ? rejectedSpans(text) : undefined;
      if (rejected === undefined) return { kind: "done", text };
      const message = rejected.message || `${rejected.count} spans were rejected`;
      return { kind: "refused", status, message, missing: false, notFound: false };
    }
    case "unclear":
      return { kind: "unclear", text, status };
    case "foreign":
      return foreign(status, facts);
    case "incomplete": {
      const reason = `HTTP ${status}: the response is incomplete`;
      // The server has accepted the request: only another successful write shows that the record is
      // at fault.
      return { kind: "failure", state: "down", reason, status, asksToWait: true };
    }
  }
}

function rejection(answer: Answer, path: string, facts: ServerFacts): Outcome {
  const { status, text, retryAfter: wait } = answer;
  const blocked = (why: string): Failure => ({
    kind: "failure",
    state: "blocked",
    reason: `HTTP ${status}: ${why}`,
    status,
    asksToWait: true,
  });
  if (status === 401 || status === 403) return blocked("the API key is not accepted");
  if (status === 407) return blocked("the proxy does not accept the credentials in its URL");
  // Browser-like runtimes report a redirect as status 0.
  if (status < 400) return blocked("redirects are not followed");
  const { message, errorCode, hasReason, isRouters } = readRefusal(text);
  if (status >= 500 || NOT_NOW.has(status)) {
    return {
      kind: "failure",
      state: "down",
      reason: `HTTP ${status}`,
      status,
      message,
      ...(wait === undefined ? {} : { wait }),
      asksToWait: NOT_NOW.has(status),
    };
  }
  if (status === 413) return { kind: "too-large", status, message };
  if (status === 404 && !hasReason && !isRouters && facts.hasAnswered(path)) {
    return foreign(status, facts);
  }
  const missing = status === 405 || (status === 404 && (isRouters || !hasReason));
  const code = errorCode === undefined ? {} : { errorCode };
  const notFound = status === 404 && !missing;
  return { kind: "refused", status, message, ...code, missing, notFound };
}

/** Maximum length of a message without a reason, in characters. */
const MAX_TEXT = 2_000;

function readRefusal(
  text: string,
): { message: string; errorCode?: string; hasReason: boolean; isRouters: boolean } {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const reason = body.reason ?? body.detail ?? body.message ?? body.error;
    const message = typeof reason === "string" ? reason : JSON.stringify(reason ?? body);
    return {
      message,
      ...(typeof body.error_code === "string" ? { errorCode: body.error_code } : {}),
      hasReason: body.reason != null,
      isRouters: body.detail === "Not Found",
    };
  } catch {
    return { message: text.slice(0, MAX_TEXT), hasReason: false, isRouters: false };
  }
}
