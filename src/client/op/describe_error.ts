/**
 * The message of anything that can be thrown.
 *
 * @module
 */

/** The error's message, or the text of what is no error. Never throws. */
export function describeError(error: unknown): string {
  try {
    if (error instanceof Error && typeof error.message === "string" && error.message !== "") {
      return error.message;
    }
    return String(error);
  } catch {
    return "An error that cannot be shown";
  }
}
