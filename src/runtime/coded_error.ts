/**
 * Errors with a POSIX `code` on every runtime.
 *
 * @module
 */

import { builtin } from "./builtin_modules.ts";
import { errorCode } from "../errors.ts";

/** Creates an error with a POSIX `code`, or with a code of this library (`ERR_…`). */
export function codedError(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code });
}

/** Codes for the names of Deno's errors, and for denials by Node's permission model. */
const CODES: Record<string, string> = {
  ERR_ACCESS_DENIED: "EACCES",
  NotFound: "ENOENT",
  NotADirectory: "ENOTDIR",
  NotCapable: "EACCES",
  PermissionDenied: "EACCES",
};

/**
 * Adds the POSIX code to a runtime's error that lacks it. Deno omits it for denied permissions and
 * rare errors; Node uses its own codes for some ("Unknown system error -122").
 */
export function withCode(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const own = errorCode(error) ?? "";
  const code = CODES[own] ??
    (/^[A-Z0-9_]+$/.test(own) ? own : CODES[error.name] ?? nameOf(numberOf(error)));
  return code === undefined || code === own ? error : Object.assign(error, { code });
}

/** Returns the errno of an error. */
function numberOf(error: Error & { errno?: unknown }): number {
  if (typeof error.errno === "number") return Math.abs(error.errno);
  return Number(/\(os error (\d+)\)$/.exec(error.message)?.[1]);
}

function nameOf(number: number): string | undefined {
  // Error numbers on Windows are not those of POSIX.
  if (builtin("node:process").platform === "win32") return undefined;
  const names = Object.entries(builtin("node:os").constants.errno);
  return names.find(([, value]) => value === number)?.[0];
}

/** Runs `work`, and adds the POSIX code to any error that it throws or rejects with. */
export function coded<Result>(work: () => Result): Result {
  try {
    const result = work();
    return isPromise(result) ? result.then(undefined, throwCoded) as Result : result;
  } catch (error) {
    return throwCoded(error);
  }
}

/** Not `instanceof Promise`: the program may have put another class in place of `Promise`. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

function throwCoded(error: unknown): never {
  throw withCode(error);
}
