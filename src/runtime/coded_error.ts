/**
 * Errors of the adapters' own, with a `code` as the errors of hosts have.
 *
 * @module
 */

/** An error with a POSIX `code`, or one of this library's own that begins with `ERR_`. */
export function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
