/**
 * Inputs and outputs that are too long for a call: they become files, which the call names.
 *
 * @module
 */

import { jsonString } from "../../protocol/json/well_formed.ts";

/**
 * Characters of JSON text that the inputs and the output of a call may take each. The server keeps
 * 3.5 MiB of a call, and a character can take three bytes.
 */
export const MAX_INLINE_CHARS: number = 512 * 1024;
/** Characters above which an input of inputs that are too long becomes a file of its own. */
const MAX_INPUT_CHARS = MAX_INLINE_CHARS / 16;
/** Characters of the value's text that the call shows. */
const PREVIEW_CHARS = 1024;

/** Saves a file with a text that is redacted already; returns its digest. */
export type SaveText = (name: string, text: string) => string;

/** The JSON text of an output as a call holds it. */
export function outputText(text: string, save: SaveText): string {
  return text.length <= MAX_INLINE_CHARS ? text : asFile("output", text, save);
}

/** The JSON text of inputs as a call holds them: an object in any case. */
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

function asFile(name: string, text: string, save: SaveText): string {
  const file = `${name.replace(/[^\p{L}\p{N}_-]/gu, "_").slice(0, 64) || "value"}.json`;
  return `{"_type":"LargeValue","file":${jsonString(file)},"digest":${
    jsonString(save(file, text))
  },"length":${text.length},"preview":${jsonString(text.slice(0, PREVIEW_CHARS))}}`;
}
