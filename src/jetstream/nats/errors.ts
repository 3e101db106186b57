/**
 * Converts errors of NATS to errors of the engine.
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
  10058, // A stream with this name and other settings exists.
]);
const REFUSED = new Set([
  10054, // The message exceeds the stream's maximum size.
]);

/** Code of "stream not found". */
const NO_STREAM = 10059;

/** Returns whether a request failed because its stream does not exist. */
export function isNoStream(error: unknown): boolean {
  return errorParts(error instanceof EngineError ? error.cause : error).code === NO_STREAM;
}

/** Converts an error of the client to an error of the engine. */
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

/** Returns the JetStream API code and the message of an error. */
export function errorParts(error: unknown): { message: string; code: number | undefined } {
  const message = error instanceof Error ? error.message || error.name : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return { message, code: typeof code === "number" ? code : undefined };
}
