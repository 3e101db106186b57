/**
 * Errors of NATS, as those of an engine.
 *
 * @module
 */

import { EngineError, type EngineFailure } from "../engine.ts";

/** Codes of the JetStream API. */
const FULL = new Set([
  10047, // Insufficient storage.
  10077, // The stream's own limit: "maximum bytes exceeded".
  10122, // A limit of the stream's subjects.
]);
const CONFLICT = new Set([
  10071, // Another last sequence of the subject.
  10058, // A stream of this name with other settings.
]);
const REFUSED = new Set([
  10054, // A message larger than the stream takes.
]);

/** The engine's error for one of the client's. */
export function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const { message, code } = errorParts(error);
  let failure: EngineFailure = "away";
  if (code !== undefined) {
    if (FULL.has(code)) failure = "full";
    else if (CONFLICT.has(code)) failure = "conflict";
    else if (REFUSED.has(code)) failure = "refused";
  }
  return new EngineError(failure, message, { cause: error });
}

/** Runs a request; rejects with the engine's error. */
export async function ask<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw asEngineError(error);
  }
}

/** Code of the JetStream API and text of an error. */
export function errorParts(error: unknown): { message: string; code: number | undefined } {
  const message = error instanceof Error ? error.message || error.name : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return { message, code: typeof code === "number" ? code : undefined };
}
