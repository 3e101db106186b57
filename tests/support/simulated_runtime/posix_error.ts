/**
 * Errors as a host's file system throws them.
 *
 * @module
 */

/** A failed operation of the simulated host. */
export class PosixError extends Error {
  /** Always `"PosixError"`. */
  override readonly name = "PosixError";
  /** The POSIX code, such as `ENOENT`. */
  readonly code: string;

  /**
   * @param code The POSIX code.
   * @param operation What was tried.
   * @param path On what.
   */
  constructor(code: string, operation: string, path: string) {
    // A simulated day asks for many files that are not there; most of the time went into stacks.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(`${code}: ${operation} '${path}'`);
    Error.stackTraceLimit = limit;
    this.code = code;
  }
}
