/**
 * Moves inputs and outputs that are too long for a call into files, to which the call refers.
 *
 * @module
 */

import { jsonString } from "../../protocol/json/well_formed.ts";

/**
 * Maximum characters of JSON text for the inputs, and for the output, of a call. The server keeps
 * 3.5 MiB of a call, and a character can take three bytes.
 */
export const MAX_INLINE_CHARS: number = 512 * 1024;
/** If the inputs are too long, each input longer than this becomes a file. */
const MAX_INPUT_CHARS = MAX_INLINE_CHARS / 16;
/** Characters of the value's text to keep in the call. */
const PREVIEW_CHARS = 1024;

/** Saves already redacted text as a file; returns its digest. */
export type SaveText = (name: string, text: string) => string;

/** Returns the JSON text of an output for the call. */
export function outputText(text: string, save: SaveText): string {
  return text.length <= MAX_INLINE_CHARS ? text : asFile("output", text, save);
}

/** Returns the JSON text of inputs for the call, which is always an object. */
export function inputsText(text: string, save: SaveText): string {
  if (text.length <= MAX_INLINE_CHARS) return text;
  const parts = Object.entries(JSON.parse(text) as Record<string, unknown>).map(([name, value]) => {
    const part = JSON.stringify(value);
    return `${jsonString(name)}:${
      part.length <= MAX_INPUT_CHARS ? part : asFile(name, part, save)
    }`;
  });
  const short = `{${parts.join(",")}}`;
  return short.length <= MAX_INLINE_CHARS ? short : `{"inputs":${asFile("inputs", text, save)}}`;
}

/** Returns the JSON text of a start or an end whose inputs and output fit into a call. */
export function callText(text: string, save: SaveText): string {
  if (text.length <= MAX_INLINE_CHARS) return text;
  const { start, end } = JSON.parse(text) as { start?: Json; end?: Json };
  if (start !== undefined && isJsonObject(start.inputs)) {
    start.inputs = JSON.parse(inputsText(JSON.stringify(start.inputs), save));
  }
  if (end !== undefined) end.output = JSON.parse(outputText(JSON.stringify(end.output), save));
  return JSON.stringify({ start, end });
}

type Json = Record<string, unknown>;

function isJsonObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asFile(name: string, text: string, save: SaveText): string {
  const file = `${name.replace(/[^\p{L}\p{N}_-]/gu, "_").slice(0, 64) || "value"}.json`;
  return `{"_type":"LargeValue","file":${jsonString(file)},"digest":${
    jsonString(save(file, text))
  },"length":${text.length},"preview":${jsonString(text.slice(0, PREVIEW_CHARS))}}`;
}
