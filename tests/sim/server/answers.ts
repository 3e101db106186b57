/**
 * Responses of simulated servers.
 *
 * @module
 */

import type { Random } from "../scenario/random.ts";
import type { IncomingRequest } from "../scenario/request.ts";
import type { ServerFault, ServerFaultKind, ServerMode } from "../scenario/scenario.ts";
import type { ProcessView } from "../world/ledger.ts";

/** A response. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it accepts only a part of the request. */
  readonly isPartial?: boolean;
}

/** State of a server. */
export interface ServerState {
  mode: ServerMode;
  faults: readonly ServerFault[];
  seed: number;
  served: number;
}

/** An attempt in flight. */
export interface Attempt {
  readonly request: IncomingRequest;
  readonly process: ProcessView;
  /** Number of the first attempt with the same retry ID. */
  readonly first: number;
  readonly random: Random;
  readonly state: ServerState;
}

/** The 404 of a server that lacks a route, or of one that lacks a project. */
export function notFound({ seed }: ServerState): string {
  return seed % 2 === 0 ? '{"detail":"Not Found"}' : '{"reason":"Project not found"}';
}

/** The fault that affects an attempt, if any. */
export function chooseFault({ faults }: ServerState, random: Random): ServerFaultKind | undefined {
  for (const { kind, probability } of faults) if (random.chance(probability)) return kind;
  return undefined;
}

/**
 * Has only the members that the transport reads: a real `Response` may take turns of the
 * runtime's event loop.
 */
export function responseOf({ status, headers }: Answer, text: () => Promise<string>): Response {
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: new Headers(headers),
    text,
  } as unknown as Response;
}

/** Rejects when `signal` is aborted. */
export function untilAborted(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(abortError());
    else signal.addEventListener("abort", () => reject(abortError()), { once: true });
  });
}

/** The error of an aborted request. */
export function abortError(): Error {
  return Object.assign(new Error("This operation was aborted"), { name: "AbortError" });
}

/** Responds with an error status without doing any work. */
export function refusal(
  { request, random, state }: Attempt,
  status: number,
  now: number,
): Answer {
  const text = status === 404
    ? notFound(state)
    : random.chance(0.8)
    ? `{"reason":"simulated ${status}"}`
    : "<html>no</html>";
  // A missing record and a missing project have the same status.
  if (request.isDecisive(status) || (status === 404 && text.includes("reason"))) {
    for (const record of request.exclusive) record.refused = true;
  }
  return { status, text, headers: retryAfter(status, random, now) };
}

/** Sometimes adds headers that request a delay. */
function retryAfter(status: number, random: Random, now: number): Record<string, string> {
  if ((status !== 429 && status !== 503) || !random.chance(0.6)) return {};
  const ms = random.int(0, 3_000);
  const value = random.chance(0.5)
    ? String(Math.ceil(ms / 1_000))
    : new Date(now + ms).toUTCString();
  return { "Retry-After": value };
}
