/**
 * Responses to requests that a relay does not accept.
 *
 * @module
 */

import { hasCode, WeaveWalError } from "../errors.ts";
import { spansRefusal } from "./otlp/otlp_write.ts";
import { RefusedRequest } from "./request/read_body.ts";
import type { Relay } from "./relay.ts";
import type { RelayContext } from "./relay_context.ts";

/** Seconds after which a write that failed on disk may be retried. */
const RETRY_AFTER = 5;

/**
 * Returns whether an error means that a body does not match the write of its path. A `RangeError`
 * means that it is nested too deeply.
 */
export function isMalformed(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof TypeError ||
    error instanceof RangeError || hasCode(error, "ERR_INVALID_NAME");
}

/**
 * Creates the response to a request that failed with `error`, and counts it.
 *
 * @param otlp The request, if it is an exporter's.
 */
export function respondTo(relay: Relay, error: unknown, otlp: RelayContext | undefined): Response {
  const refused = refusalOf(relay, error);
  const { status, message, retryAfter } = refused;
  const headers: Record<string, string> = retryAfter === undefined
    ? {}
    : { "retry-after": `${retryAfter}` };
  relay.refused(status);
  if (otlp) return spansRefusal(otlp.req.header("content-type") ?? null, status, message, headers);
  const body = { reason: message, error_type: "RelayError" };
  return Response.json(body, { status, headers });
}

function refusalOf(relay: Relay, error: unknown): RefusedRequest {
  if (error instanceof RefusedRequest) return error;
  if (hasCode(error, "ERR_LOG_FULL")) {
    return new RefusedRequest(503, "The log is full", RETRY_AFTER);
  }
  if (hasCode(error, "ERR_RECORD_TOO_LARGE")) {
    return new RefusedRequest(413, (error as Error).message);
  }
  if (hasCode(error, "ERR_LOG_CLOSED")) {
    return new RefusedRequest(503, "The relay is shutting down", 1);
  }
  const isDisks = typeof (error as { code?: unknown }).code === "string";
  relay.failed(error, isDisks);
  if (!isDisks) return new RefusedRequest(500, "The relay cannot handle this request");
  const what = error instanceof WeaveWalError ? error.code : "the disk";
  return new RefusedRequest(503, `The relay cannot take writes: ${what}`, RETRY_AFTER);
}
