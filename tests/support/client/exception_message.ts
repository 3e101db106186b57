/**
 * Reads the message in a call's `exception`.
 *
 * @module
 */

/** The message of an exception in the Python SDK's format; any other text unchanged. */
export function exceptionMessage(exception: unknown): unknown {
  try {
    return JSON.parse(exception as string).message ?? exception;
  } catch {
    return exception;
  }
}
