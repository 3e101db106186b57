/**
 * Exit codes and final messages of the command.
 *
 * | code | meaning |
 * |---|---|
 * | 0 | success; checks found nothing |
 * | 1 | a check failed, or some records were not delivered |
 * | 2 | invalid command line or settings |
 * | 3 | the disk or the command itself failed |
 * | 130, 143 | ended by SIGINT or SIGTERM |
 *
 * @module
 */

import { errorCode, messageOf, WeaveWalError } from "../errors.ts";
import { EngineError } from "../jetstream/engine.ts";

/** The exit codes of `weave-wal`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  trouble: 3,
  interrupted: 130,
  terminated: 143,
} as const;

/** An error that ends the command with a message, without a stack trace. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** One of {@linkcode EXIT}. */
  readonly exitCode: number;
  /** The action to take. */
  readonly hint: string | undefined;

  /**
   * @param message Description of the error.
   * @param options `exitCode`: default 2; `hint`: the action to take.
   */
  constructor(message: string, options: { exitCode?: number; hint?: string } = {}) {
    super(message);
    this.exitCode = options.exitCode ?? EXIT.usage;
    this.hint = options.hint;
  }
}

/** Message and exit code for an error. */
export interface Ending {
  readonly code: number;
  /** `undefined` if nothing is printed. */
  readonly message?: string;
  readonly hint?: string;
}

const OWNER_ONLY = "Only its owner can read a log: run this as the user that the programs run as";
const NOT_OURS = "A log consists of regular files and directories: move away what is at that path";

/** Actions to take for file system errors. */
const HINTS: Record<string, string> = {
  EACCES: OWNER_ONLY,
  EPERM: OWNER_ONLY,
  ELOOP: NOT_OURS,
  EISDIR: NOT_OURS,
  ENOTDIR: NOT_OURS,
  ERR_NOT_REGULAR_FILE: NOT_OURS,
};

/** Returns the message and the exit code for an error. */
export function endingOf(error: unknown): Ending {
  if (error instanceof CommandError) {
    return {
      code: error.exitCode,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
  }
  if (error instanceof WeaveWalError) {
    const isSetting = /^ERR_(INVALID|MISSING)/.test(error.code);
    return { code: isSetting ? EXIT.usage : EXIT.trouble, message: error.message };
  }
  if (error instanceof EngineError) {
    return { code: EXIT.trouble, message: `Cannot use the log: ${error.message}` };
  }
  const code = errorCode(error);
  // The reader has closed the output: `weave-wal inspect | head`.
  if (code === "EPIPE") return { code: EXIT.ok };
  const message = messageOf(error);
  if (code !== undefined && /^(E[A-Z]+|ERR_NOT_REGULAR_FILE)$/.test(code)) {
    const hint = HINTS[code];
    return {
      code: EXIT.trouble,
      message: `Cannot use the log: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    };
  }
  return {
    code: EXIT.trouble,
    message: `Unexpected failure: ${message}`,
    hint: "This is a bug in weave-wal; WEAVE_LOG_LEVEL=debug prints a stack trace",
  };
}
