/**
 * Builds a call's `exception` field in the format that the Python SDK writes and the UI shows:
 * type, message and stack.
 *
 * @module
 */

import { classNames, GETTER, isError, isProxy } from "../../protocol/json/object_facts.ts";
import { readSafely, readStack } from "../../protocol/json/replacements.ts";
import { toJsonText } from "../../protocol/json/stringify.ts";
import type { Redactor } from "../redaction/redactor.ts";
import { clip } from "../objects/object_id.ts";
import { MAX_INLINE_CHARS } from "../op/large_values.ts";
import { describeError } from "./describe_error.ts";

/** A stack frame, with the field names of Python. */
interface Frame {
  readonly filename: string;
  /** 0 if unknown. */
  readonly line_number: number;
  readonly function_name: string;
  /** Source line; always empty here. */
  readonly text: string;
}

/** Characters to keep of a message that is too long for a call. */
const MAX_MESSAGE_CHARS = 32 * 1024;

/** Maximum number of frames to keep, nearest to the `throw`. */
const MAX_FRAMES = 100;
const FRAME = /^\s+at (?:async )?(?:(.*?) \()?(.*?)(?::(\d+))?(?::\d+)?\)?$/;

/** Maximum characters of a stack to parse; a longer one contains an excessive message. */
const MAX_STACK_CHARS = 1024 * 1024;

/**
 * Returns the JSON text of an object with `type`, `message` and `traceback`, innermost frame last.
 * Never throws, and runs no getter of the program.
 */
export function exceptionText(error: unknown, redactor?: Redactor): string {
  const message = describeError(error);
  // The text becomes a string in the record, so a lone surrogate must not be hidden in an escape.
  const exception = {
    type: typeOf(error),
    message,
    traceback: isErrorObject(error) ? framesOf(stackOf(error), message) : [],
  };
  return shortened(
    redactor === undefined
      ? toJsonText(exception)
      : redactor.toText(exception, undefined, undefined, "exception"),
  );
}

/** Truncates a long message after redaction, which may not recognize a part of a secret. */
function shortened(text: string): string {
  if (text.length <= MAX_INLINE_CHARS) return text;
  const exception = JSON.parse(text) as { message?: unknown };
  if (typeof exception.message !== "string") return text;
  const message = `${clip(exception.message, MAX_MESSAGE_CHARS)} [Truncated]`;
  return toJsonText({ ...exception, message });
}

function isErrorObject(error: unknown): error is object {
  return typeof error === "object" && error !== null && !isProxy(error) && isError(error);
}

/**
 * Returns the error's own name or the name of its class; the type of a value that is not an error.
 */
function typeOf(error: unknown): string {
  if (isProxy(error)) return "Error";
  if (!isErrorObject(error)) return error === null ? "null" : typeof error;
  const name = readSafely(error, "name");
  if (typeof name === "string" && name !== "" && name !== "Error" && name !== GETTER) return name;
  for (const className of classNames(error)) return className;
  return "Error";
}

function stackOf(error: object): string {
  const stack = readStack(error);
  return typeof stack === "string" && stack.length <= MAX_STACK_CHARS ? stack : "";
}

function framesOf(stack: string, message: string): Frame[] {
  // A line of the message may look like a frame.
  const at = stack.indexOf(message);
  const lines = stack.slice(at < 0 ? 0 : at + message.length).split("\n");
  const frames: Frame[] = [];
  for (const line of lines) {
    const [, name, file, lineNumber] = FRAME.exec(line) ?? [];
    if (file === undefined) continue;
    frames.push({
      filename: pathOf(file),
      line_number: Number(lineNumber ?? 0),
      function_name: name || "<anonymous>",
      text: "",
    });
    if (frames.length === MAX_FRAMES) break;
  }
  return frames.reverse();
}

function pathOf(file: string): string {
  if (!file.startsWith("file://")) return file;
  try {
    return decodeURIComponent(new URL(file).pathname);
  } catch {
    return file;
  }
}
