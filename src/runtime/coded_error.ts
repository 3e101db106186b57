/**
 * Errors with a POSIX `code` on every host.
 *
 * @module
 */

import { builtin } from "./builtin_modules.ts";
import { errorCode } from "../errors.ts";

/** An error with a POSIX `code`, or one of this library's own that begins with `ERR_`. */
export function codedError(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code });
}

/** Codes by the names of Deno's own errors, and of refusals by Node's permission model. */
const CODES: Record<string, string> = {
  ERR_ACCESS_DENIED: "EACCES",
  NotFound: "ENOENT",
  NotADirectory: "ENOTDIR",
  NotCapable: "EACCES",
  PermissionDenied: "EACCES",
};

/**
 * Adds the POSIX code to a host's error that lacks it: Deno leaves it out of
 * refusals and of rarer errors, Node has codes of its own ("Unknown system error -122").
 */
export function withCode(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const own = errorCode(error) ?? "";
  const code = CODES[own] ??
    (/^[A-Z0-9_]+$/.test(own) ? own : CODES[error.name] ?? nameOf(numberOf(error)));
  return code === undefined || code === own ? error : Object.assign(error, { code });
}

/** The kernel's number of an error. */
function numberOf(error: Error & { errno?: unknown }): number {
  if (typeof error.errno === "number") return Math.abs(error.errno);
  return Number(/\(os error (\d+)\)$/.exec(error.message)?.[1]);
}

function nameOf(number: number): string | undefined {
  // The numbers of Windows are not those of POSIX.
  if (builtin("node:process").platform === "win32") return undefined;
  const names = Object.entries(builtin("node:os").constants.errno);
  return names.find(([, value]) => value === number)?.[0];
}

/** Runs `work`; adds the POSIX code to the error that it throws or rejects with. */
export function coded<Result>(work: () => Result): Result {
  try {
    const result = work();
    return result instanceof Promise ? result.catch(throwCoded) as Result : result;
  } catch (error) {
    return throwCoded(error);
  }
}

function throwCoded(error: unknown): never {
  throw withCode(error);
}
