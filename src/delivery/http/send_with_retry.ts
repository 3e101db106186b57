/**
 * Sends a request until the server accepts or rejects it, or until it has failed so often that part
 * of it may be at fault.
 * @module
 */

import { isServerInfo } from "../../protocol/replies.ts";
import type { CircuitBreaker } from "./circuit_breaker.ts";
import { classify, type Failure, foreign, type Outcome, type Refusal } from "./classify.ts";
import type { Evidence } from "./evidence.ts";
import { INTERRUPTED_PAUSE_MS } from "./health.ts";
import type { KnownApis } from "./known_apis.ts";
import { FormBody } from "./form_body.ts";
import type { OutgoingRequest, Transport } from "./transport.ts";

/** Result of sending a request. */
export type SendOutcome =
  | { readonly kind: "done"; readonly text: string }
  | { readonly kind: "too-large"; readonly status: number; readonly message: string }
  | Refusal & { readonly kind: "refused" }
  /** No request can be built from the record. */
  | { readonly kind: "unsendable"; readonly error: unknown; readonly status?: undefined }
  /** It reached the maximum number of failures; `request` identifies it. */
  | Failure & { readonly request?: SentRequest };

/** Identifies a failed request when it is sent again. */
export interface SentRequest {
  readonly path: string;
  /** Size of the body in bytes. */
  readonly size: number;
  readonly retryId: string;
}

/** Thrown when a send ends because its sender stops; nothing that it sent is acknowledged. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** Dependencies of {@linkcode sendWithRetry}. */
export interface SendDeps {
  readonly transport: Transport;
  readonly breaker: CircuitBreaker;
  readonly evidence: Evidence;
  readonly apis: KnownApis;
  readonly stop: AbortSignal;
  /** Throws if nothing may be sent any more; called before every attempt. */
  readonly assertHeld: () => void;
}

/** Options for one send. */
export interface SendOptions {
  /** Whether it is returned at its first failure or after several. */
  readonly tries: "one" | "several";
  /**
   * Whether it failed before and is retried after a health check: its failures say nothing new
   * about the server and delay nothing else.
   */
  readonly suspect?: boolean;
  /** The request that failed before: it keeps its `X-Weave-Retry-Id`. */
  readonly again?: SentRequest | undefined;
  /**
   * Returns whether a rejection is not the fault of a record: the server is reported as blocked
   * until the next probe, and the caller, which receives the rejection, may choose a different
   * request for it.
   */
  readonly holdOn?: (refusal: Refusal) => boolean;
  /** Whether there is no other route to try if the server does not have this one. */
  readonly isLastRoute?: boolean;
  /**
   * Whether it is a read: its success does not show that the server accepts writes, and a key may
   * permit only writes.
   */
  readonly isRead?: boolean;
  /** Headers of the request. */
  readonly headers?: OutgoingRequest["headers"];
}

/**
 * Sends `request`.
 * @throws {Stopped} if `stop` is aborted first; errors of `assertHeld`.
 */
export async function sendWithRetry(
  request: OutgoingRequest,
  deps: SendDeps,
  options: SendOptions,
): Promise<SendOutcome> {
  const { transport, breaker, evidence, apis, stop, assertHeld } = deps;
  const { tries, suspect = false, isRead = false, isLastRoute = false } = options;
  let failures = 0, waits = 0;
  for (;;) {
    const isProbe = !suspect && await breaker.acquire(stop);
    try {
      assertHeld();
    } catch (error) {
      if (isProbe) breaker.releaseProbe();
      throw error;
    }
    const attempt = await transport.attempt(request, stop);
    if (attempt.kind === "stopped") {
      if (isProbe) breaker.releaseProbe();
      throw new Stopped("Stopped while sending");
    }
    if (attempt.kind === "interrupted") {
      const pause = INTERRUPTED_PAUSE_MS;
      breaker.failed({ state: "down", reason: "Interrupted", pause }, isProbe);
      if (suspect) return INTERRUPTED;
      continue;
    }
    const facts = { serverUrl: transport.serverUrl, hasAnswered: apis.has };
    let outcome = await confirmed(classify(attempt, request.path, facts), deps);
    if (outcome === null) {
      breaker.succeeded();
      continue;
    }
    if (outcome.kind === "refused" && outcome.missing && isLastRoute && !apis.any) {
      outcome = foreign(outcome.status, facts);
    }
    if (outcome.kind === "failure") {
      if (isRead && outcome.state === "blocked") {
        if (isProbe) breaker.releaseProbe();
        return outcome;
      }
      if (suspect) breaker.noticed(outcome.reason);
      else breaker.failed(outcome, isProbe);
      if (outcome.asksToWait) waits++;
      else failures++;
      if (tries === "one" || failures >= MAX_FAILURES || waits >= MAX_WAITS) {
        const { path, body, retryId } = request;
        return { ...outcome, request: { path, size: sizeOf(body), retryId } };
      }
      continue;
    }
    if (outcome.kind === "refused" && options.holdOn?.(outcome)) {
      const reason = `HTTP ${outcome.status}: the server takes calls through neither API`;
      breaker.failed({ state: "blocked", reason }, isProbe || suspect);
      return outcome;
    }
    if (outcome.kind === "done" && !isRead) {
      evidence.wrote();
      evidence.recovered(failures + waits);
      apis.add(request.path);
    }
    breaker.succeeded();
    return outcome;
  }
}

/** Returns the size of a body in bytes. */
export function sizeOf(body: OutgoingRequest["body"]): number {
  return body instanceof FormBody ? body.bytes.length : body.length;
}

/** Number of failures after which a batch is split: one of its records may be at fault. */
const MAX_FAILURES = 4;
/** The same for responses that ask to wait or are not the trace server's. */
const MAX_WAITS = 10;
const INTERRUPTED: Failure = {
  kind: "failure",
  state: "down",
  reason: "Interrupted",
  asksToWait: true,
};

/** Fields with which other servers report an error or redirect. */
const NOT_A_REPLY = /\b(errors?|detail|message|reason|login|redirect|url|status)\b/i;

/**
 * Accepts a response with unexpected fields if another response has proved that the server is
 * Weave's.
 * @returns `null` if that was proved just now: the response may come from a login page that has
 * since disappeared, so the request is sent again.
 */
async function confirmed(
  outcome: Outcome,
  { transport, apis, stop }: SendDeps,
): Promise<Exclude<Outcome, { kind: "unclear" }> | null> {
  if (outcome.kind !== "unclear") return outcome;
  const { status, text } = outcome;
  const fields = Object.keys(JSON.parse(text) as object).sort().join();
  // A login page that has since disappeared would be mistaken for a newer server.
  if (NOT_A_REPLY.test(fields)) {
    return foreign(status, { serverUrl: transport.serverUrl, hasAnswered: apis.has });
  }
  if (!apis.hasField(fields)) {
    const info = await transport.check("/server_info", stop);
    const facts = { serverUrl: transport.serverUrl, hasAnswered: apis.has };
    if (info.kind !== "answer" || !isServerInfo(info.text)) return foreign(status, facts);
    apis.addFields(fields);
    return null;
  }
  return { kind: "done", text };
}
