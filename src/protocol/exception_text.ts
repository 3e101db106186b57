/**
 * Formats a call's `exception` for people.
 *
 * @module
 */

/**
 * Returns `type: message` for an exception that SDKs write as a JSON object (`type`, `message`,
 * `traceback`), or only the message for a plain `Error`. Returns any other text unchanged.
 *
 * @example
 * ```ts
 * import { readException } from "./exception_text.ts";
 *
 * const text = readException('{"type":"ValueError","message":"no way","traceback":[]}');
 * if (text !== "ValueError: no way") throw new Error(text);
 * ```
 */
export function readException(exception: string): string {
  if (!exception.startsWith("{")) return exception;
  try {
    const { type, message } = JSON.parse(exception) as { type?: unknown; message?: unknown };
    if (typeof message !== "string") return exception;
    return typeof type === "string" && type !== "Error" ? `${type}: ${message}` : message;
  } catch {
    return exception;
  }
}
