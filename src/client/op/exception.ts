/**
 * What a call's `exception` says of what was thrown, in the form that the Python SDK writes and the
 * UI shows: type, message and stack.
 *
 * @module
 */

import { describeError } from "./describe_error.ts";

/** One line of a stack, as Python names its parts. */
interface Frame {
  readonly filename: string;
  /** 0 where it is not known. */
  readonly line_number: number;
  readonly function_name: string;
  /** The line's source, which is not read here. */
  readonly text: string;
}

/** Frames that are kept, those nearest to the `throw`. */
const MAX_FRAMES = 100;
const FRAME = /^\s+at (?:async )?(?:(.*?) \()?(.*?)(?::(\d+))?(?::\d+)?\)?$/;

/** JSON text of an object with `type`, `message` and `traceback`, the innermost frame last. Never throws. */
export function exceptionText(error: unknown): string {
  const message = describeError(error);
  return JSON.stringify({
    type: typeOf(error),
    message,
    traceback: error instanceof Error ? framesOf(stackOf(error), message) : [],
  });
}

/** The class's name where the error has not taken a name of its own; the type of what is no error. */
function typeOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return error === null ? "null" : typeof error;
    const { name } = error;
    if (typeof name === "string" && name !== "" && name !== "Error") return name;
    return error.constructor.name || "Error";
  } catch {
    return "Error";
  }
}

/** Only Deno's errors have an accessor here; one of the program's own is not run. */
const nativeStack = Object.getOwnPropertyDescriptor(new Error(), "stack")?.get;

function stackOf(error: Error): string {
  try {
    const own = Object.getOwnPropertyDescriptor(error, "stack");
    const stack: unknown = own?.get === undefined
      ? own?.value
      : own.get === nativeStack
      ? error.stack
      : "";
    return typeof stack === "string" ? stack : "";
  } catch {
    return "";
  }
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
