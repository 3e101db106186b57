/**
 * The text of a call's `exception`, for people.
 *
 * @module
 */

/**
 * `type: message` of an exception that SDKs write as a JSON object (`type`, `message`, `traceback`);
 * any other text as it is. An `Error` without a class of its own has only its message.
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
