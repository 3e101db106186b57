/**
 * The error class of this package, and its stable codes.
 *
 * @module
 */

/**
 * Codes of {@linkcode WeaveWalError}; a code never changes its meaning.
 *
 * - `ERR_INVALID_OPTION`: an option or environment variable has an invalid value.
 * - `ERR_INVALID_NAME`: an entity or project name cannot be part of a path.
 * - `ERR_MISSING_API_KEY`: the sender is enabled and no API key was found.
 * - `ERR_LOG_UNWRITABLE`: the log's directory cannot be created or written.
 * - `ERR_LOG_CLOSED`: a write after `finish()`.
 * - `ERR_LOG_FULL`: a limit set by the user leaves no room for a record.
 * - `ERR_LOG_UNREACHABLE`: the engine that stores a log does not respond, or accepts no records.
 * - `ERR_RECORD_TOO_LARGE`: a record is larger than the log's engine accepts.
 * - `ERR_LEASE_LOST`: another process took over segments that this one was draining.
 * - `ERR_NOT_INITIALIZED`: a client is required, but `init()` was not called.
 * - `ERR_REQUEST_FAILED`: a read from the server failed; see `status`.
 *
 * @example
 * ```ts
 * import { init, WeaveWalError, type WeaveWalErrorCode } from "@weave-wal/client";
 *
 * const code: WeaveWalErrorCode = "ERR_INVALID_NAME";
 * const error = await init("", { disabled: true }).catch((error) => error);
 * if (!(error instanceof WeaveWalError) || error.code !== code) throw error;
 * ```
 */
export type WeaveWalErrorCode =
  | "ERR_INVALID_OPTION"
  | "ERR_INVALID_NAME"
  | "ERR_MISSING_API_KEY"
  | "ERR_LOG_UNWRITABLE"
  | "ERR_LOG_CLOSED"
  | "ERR_LOG_FULL"
  | "ERR_LOG_UNREACHABLE"
  | "ERR_RECORD_TOO_LARGE"
  | "ERR_LEASE_LOST"
  | "ERR_NOT_INITIALIZED"
  | "ERR_REQUEST_FAILED";

/**
 * An error thrown by this package.
 *
 * @example
 * ```ts
 * import { WeaveWalError } from "@weave-wal/client";
 *
 * const error = new WeaveWalError("ERR_INVALID_NAME", 'Cannot use project name: "../x"');
 * if (error.code !== "ERR_INVALID_NAME") throw error;
 * ```
 */
export class WeaveWalError extends Error {
  /** Always `"WeaveWalError"`. */
  override readonly name = "WeaveWalError";
  /** Code of the error, for programs. */
  readonly code: WeaveWalErrorCode;
  /** HTTP status of the response, if one caused the error. */
  declare readonly status?: number; // Declared only: without a status there is no property.

  /**
   * Creates an error.
   *
   * @param code Code of the error, for programs.
   * @param message What went wrong, for people: action, value, way out.
   * @param options `cause`: the error behind this one; `status`: the HTTP status behind it.
   */
  constructor(
    code: WeaveWalErrorCode,
    message: string,
    options?: { cause?: unknown; status?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options?.status !== undefined) this.status = options.status;
  }
}

// Copies of this package in one process (bundles, hot reloads) recognize each other's errors.
Object.defineProperty(WeaveWalError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    const ordinary = Function.prototype[Symbol.hasInstance];
    return ordinary.call(this as never, value) ||
      (this === WeaveWalError && ordinary.call(Error, value) &&
        (value as Error).name === "WeaveWalError");
  },
});

/** Returns whether an error has this `code` (`ENOENT`, `ERR_LEASE_LOST`, …). */
export function hasCode(error: unknown, code: string): boolean {
  return errorCode(error) === code;
}

/** Returns the `code` of an error, if it has one. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Returns whether the system lacked descriptors or memory: the file may be sound. */
export function lacksResources(error: unknown): boolean {
  return ["EMFILE", "ENFILE", "ENOMEM"].some((code) => hasCode(error, code));
}

/** The message of an error, or the text of whatever else was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
