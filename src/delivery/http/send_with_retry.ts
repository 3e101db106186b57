/**
 * Sends one request until there is a decisive answer, however long that takes.
 *
 * | answer | what happens |
 * |---|---|
 * | 2xx with a JSON object | done |
 * | nothing, half an answer, none in time, 408, 425, 429, 5xx, a 2xx that is no JSON | again, for ever, with backoff or `Retry-After` |
 * | 401, 403, 3xx | everything is held, said once, probed slowly |
 * | 413 | `too-large` |
 * | any other 4xx | `refused` |
 *
 * @module
 */

import type { Gate } from "./circuit_breaker.ts";
import type { Attempt, OutgoingRequest, Transport } from "./transport.ts";

/** A decisive answer. */
export type Verdict =
  | { readonly kind: "done"; readonly text: string }
  | { readonly kind: "too-large"; readonly status: number; readonly message: string }
  | Refusal & { readonly kind: "refused" };

/** What a server says when it will not have a request. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** `error_code` of the answer's body. */
  readonly errorCode?: string;
}

/** Thrown where a send is given up because its sender stops; what it sent is not acknowledged. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** What an exchange goes through. */
export interface ExchangeOptions {
  readonly transport: Transport;
  readonly gate: Gate;
  readonly stop: AbortSignal;
  /** Throws where nothing may be sent any more; asked before every attempt. */
  readonly assertHeld: () => void;
  /** Told of every attempt that came to nothing. */
  readonly onRetry: (reason: string) => void;
}

/**
 * Sends `request` until the server decides.
 *
 * @param holdOn Tells refusals that no record can be blamed for: everything is held until the next
 *   probe is due, and the caller, who gets the refusal, may make that a different request.
 * @throws {Stopped} when `stop` is aborted first; what `assertHeld` throws.
 */
export async function exchange(
  request: OutgoingRequest,
  { transport, gate, stop, assertHeld, onRetry }: ExchangeOptions,
  holdOn: (refusal: Refusal) => boolean = () => false,
): Promise<Verdict> {
  for (;;) {
    await gate.pass(stop);
    try {
      assertHeld();
    } catch (error) {
      gate.abandoned();
      throw error;
    }
    const attempt = await transport.attempt(request, stop);
    if (attempt.kind === "stopped") {
      gate.abandoned();
      throw new Stopped("Stopped while sending");
    }
    const verdict = troubleOf(attempt) ?? verdictOf(attempt as Answer);
    const trouble = verdict.kind === "refused" && holdOn(verdict)
      ? { kind: "trouble" as const, state: "held" as const, reason: `HTTP ${verdict.status}` }
      : verdict;
    if (trouble.kind !== "trouble") {
      gate.succeeded();
      return trouble;
    }
    gate.failed(trouble.state, trouble.reason, trouble.wait, trouble.pause);
    onRetry(trouble.reason);
    if (verdict.kind === "refused") return verdict;
  }
}

type Answer = Extract<Attempt, { kind: "answer" }>;

interface Trouble {
  readonly kind: "trouble";
  readonly state: "down" | "held";
  readonly reason: string;
  readonly wait?: number;
  readonly pause?: number;
}

function troubleOf(attempt: Exclude<Attempt, { kind: "stopped" }>): Trouble | null {
  if (attempt.kind === "unreachable") {
    const { error, pause = 0 } = attempt;
    return { kind: "trouble", state: "down", reason: error, pause };
  }
  const { status, text } = attempt;
  if (status >= 200 && status < 300) {
    return isJsonObject(text)
      ? null
      : { kind: "trouble", state: "down", reason: `HTTP ${status} without JSON` };
  }
  if (status === 401 || status === 403) {
    return {
      kind: "trouble",
      state: "held",
      reason: `HTTP ${status}: the API key is not accepted`,
    };
  }
  // A browser-like host hides a redirect behind status 0.
  if (status < 400) {
    return { kind: "trouble", state: "held", reason: `HTTP ${status}: redirects are not followed` };
  }
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const wait = attempt.retryAfter;
    return {
      kind: "trouble",
      state: "down",
      reason: `HTTP ${status}`,
      ...(wait === undefined ? {} : { wait }),
    };
  }
  return null;
}

function verdictOf({ status, text }: Answer): Verdict {
  if (status < 300) return { kind: "done", text };
  const { message, errorCode } = readRefusal(text);
  if (status === 413) return { kind: "too-large", status, message };
  return { kind: "refused", status, message, ...(errorCode === undefined ? {} : { errorCode }) };
}

/** A cheap look: a captive portal's page or a cut answer is no JSON object. */
function isJsonObject(text: string): boolean {
  const trimmed = text.trim();
  return trimmed.startsWith("{") && trimmed.endsWith("}");
}

function readRefusal(text: string): { message: string; errorCode?: string } {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const reason = body.reason ?? body.detail ?? body.message ?? body.error;
    const message = typeof reason === "string" ? reason : JSON.stringify(reason ?? body);
    return typeof body.error_code === "string"
      ? { message, errorCode: body.error_code }
      : { message };
  } catch {
    return { message: text.slice(0, 2_000) };
  }
}
