/**
 * `weave-wal dead-letters show` and `export`: show the contents of dead letters.
 *
 * @module
 */

import { escapeControls } from "../../protocol/escape_controls.ts";
import { isAbsolute, join } from "@std/path";
import { errorCode } from "../../errors.ts";
import { base64, fromBase64 } from "../../protocol/json/base64.ts";
import { readSpans } from "../../protocol/otlp/spans.ts";
import type { AppendFile, FileSystem } from "../../runtime/file_system.ts";
import { writeAll } from "../../wal/dead_letters/dead_letter_file.ts";
import { type Context, throwIfStopped } from "../context.ts";
import { deadLetterJson, type IndexedDeadLetter } from "./index.ts";
import type { DeadLetterSource } from "./source.ts";
import { CommandError } from "../exit_codes.ts";
import { formatBytes, plural, printable, quoted } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { MAX_RECORD_BYTES } from "../../wal/record/record.ts";

/** Maximum characters of a request or of raw bytes to show. */
const MAX_SHOWN = 20_000;

const decoder = new TextDecoder();

/** Shows one complete dead letter. */
export async function showDeadLetter(
  { terminal: { out } }: Context,
  source: DeadLetterSource,
  deadLetter: IndexedDeadLetter,
  json: boolean,
): Promise<void> {
  if (json) {
    await writeJson(out, await exportLine(source, deadLetter));
    return;
  }
  const { bold } = out.colors;
  const { entry, entity, project, id, number } = deadLetter;
  const { error } = entry;
  const facts: [string, string | undefined][] = [
    ["dead letter", `#${number}  ${id}`],
    ["project", `${entity}/${project}`],
    ["type", entry.type ?? "unreadable"],
    ["reason", error.reason],
    ["HTTP status", error.status?.toString()],
    ["message", error.message],
    ["when", error.at],
    ["retries", error.retries?.toString()],
    ["server", error.server],
    ["corrupt", entry.corrupt],
    [
      "quarantine",
      entry.quarantine === null
        ? undefined
        : `${deadLetter.quarantinePath} at ${entry.quarantine.offset}, ${
          formatBytes(entry.quarantine.length)
        }`,
    ],
  ];
  for (const [name, value] of facts) {
    if (value !== undefined) await out.write(`${bold(name.padEnd(12))} ${printable(value)}\n`);
  }
  const text = entry.request === null
    ? rawText(await source.bytes(deadLetter, MAX_SHOWN))
    : prettyText(entry.request);
  const shown = text.slice(0, MAX_SHOWN);
  const cut = shown.length < text.length ? "\n(truncated; --json shows all)" : "";
  await out.write(`\n${shown}${cut}\n`);
}

/** Writes dead letters as JSON lines, to a file or to standard output. */
export async function exportDeadLetters(
  context: Context,
  source: DeadLetterSource,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  output: string | undefined,
): Promise<void> {
  const { runtime: { files, process }, terminal, stop } = context;
  if (output === undefined) {
    for await (const deadLetter of deadLetters) {
      throwIfStopped(stop);
      await writeJson(terminal.out, await exportLine(source, deadLetter));
    }
    return;
  }
  const path = isAbsolute(output) ? output : join(process.cwd(), output);
  if (files.stat(path) !== null) {
    throw new CommandError(`Cannot use --output: ${quoted(output)} exists already`);
  }
  const file = openOutput(files, path, output);
  let count = 0;
  try {
    for await (const deadLetter of deadLetters) {
      throwIfStopped(stop);
      writeAll(file, encoder.encode(await exportLine(source, deadLetter)));
      count++;
    }
    await file.dataSync();
  } finally {
    file.close();
  }
  await terminal.err.write(`Exported ${plural(count, "dead letter")} to ${printable(output)}\n`);
}

function openOutput(files: FileSystem, path: string, output: string): AppendFile {
  try {
    return files.openAppend(path);
  } catch (error) {
    const why = errorCode(error) ?? String(error);
    throw new CommandError(`Cannot write --output: ${quoted(output)} (${why})`);
  }
}

const encoder = new TextEncoder();

/**
 * Returns a dead letter with its request, byte for byte, or the raw bytes if it is not a record.
 */
export async function exportLine(
  source: DeadLetterSource,
  deadLetter: IndexedDeadLetter,
): Promise<string> {
  const { entry } = deadLetter;
  const head = JSON.stringify(deadLetterJson(deadLetter)).slice(0, -1);
  if (entry.request !== null) return `${head},"req":${decoder.decode(entry.request)}}\n`;
  const bytes = await source.bytes(deadLetter, MAX_RECORD_BYTES);
  return bytes.length === 0 ? `${head}}\n` : `${head},"base64":"${base64(bytes)}"}\n`;
}

function prettyText(request: Uint8Array): string {
  const text = decoder.decode(request);
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    return escapeControls(
      JSON.stringify(
        withSpans(value),
        (_, part) => typeof part === "bigint" ? `${part}` : part,
        2,
      ),
    );
  } catch {
    return printable(text);
  }
}

/** Returns a request with parsed spans instead of their bytes. */
function withSpans(value: Record<string, unknown>): Record<string, unknown> {
  const { request_base64: request, ...rest } = value;
  if (typeof request !== "string") return value;
  try {
    return { ...rest, spans: readSpans(fromBase64(request)) };
  } catch {
    return value;
  }
}

function rawText(bytes: Uint8Array): string {
  return bytes.length === 0 ? "(its bytes are missing)" : printable(decoder.decode(bytes));
}
