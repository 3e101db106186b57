/**
 * Reads of what a call's `exception` says.
 *
 * @module
 */

/** The message of an exception in the form of the Python SDK; the text itself in any other. */
export function exceptionMessage(exception: unknown): unknown {
  try {
    return JSON.parse(exception as string).message ?? exception;
  } catch {
    return exception;
  }
}
