/**
 * Errors like those of a real file system.
 *
 * @module
 */

/** A failed operation of the simulated host. */
export class PosixError extends Error {
  /** Always `"PosixError"`. */
  override readonly name = "PosixError";
  /** The POSIX code, e.g. `ENOENT`. */
  readonly code: string;

  /**
   * @param code The POSIX code. @param operation The attempted operation. @param path Its
   * path.
   */
  constructor(code: string, operation: string, path: string) {
    // A simulated day looks up many missing files; most of the time was spent on stack
    // traces.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(`${code}: ${operation} '${path}'`);
    Error.stackTraceLimit = limit;
    this.code = code;
  }
}
