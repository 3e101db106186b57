/**
 * Reads dead letter entries back, one by one, in bounded memory.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import { listFields } from "../../bytes/json_fields.ts";
import { RECORD_TYPES, type RecordType } from "../../protocol/record_types.ts";
import { ReadOnlySegment } from "../segment/read_only_segment.ts";
import { BatchReader } from "../record/batch_reader.ts";

/** The reason why a record was dead-lettered, as in its entry. */
export interface DeadLetterError {
  /**
   * `refused`, `unsendable`, `corrupt`, `torn`, `oversize`; `unknown` if the entry has no reason.
   */
  readonly reason: string;
  /** HTTP status of the rejection. */
  readonly status?: number;
  /** The server's message. */
  readonly message?: string;
  /** Number of attempts before it was dead-lettered, if it failed more than once. */
  readonly attempts?: number;
  /** Time at which it was dead-lettered, ISO 8601. */
  readonly at?: string;
  /** Byte offset of the record in its segment. */
  readonly offset?: number;
  /** Length of the record in bytes. */
  readonly length?: number;
  /** Base URL of the server that rejected it, if the entry contains it. */
  readonly server?: string;
  /** Number of retries that the server rejected since then. */
  readonly retries?: number;
}

/** One line of a dead letter file. */
export interface DeadLetterEntry {
  /** Byte offset of the line in the dead letter file; identifies the entry. */
  readonly position: number;
  /** The line without its newline; empty if it is too long for memory. */
  readonly line: Uint8Array;
  /** Length of the line in bytes. */
  readonly length: number;
  /** `null` if the entry holds no record: its bytes are quarantined, or the entry is corrupt. */
  readonly type: RecordType | null;
  /** The request's JSON text; `null` if `type` is. */
  readonly request: Uint8Array | null;
  readonly error: DeadLetterError;
  /** Position of the record's bytes in the quarantine file, if they are there. */
  readonly quarantine: { readonly offset: number; readonly length: number } | null;
  /** Why the entry cannot be read; absent if it can. */
  readonly corrupt?: string;
}

/** Returns whether a crash cut the entry off. Its record is still in the log. */
export function isTornEntry({ corrupt }: DeadLetterEntry): boolean {
  return corrupt === TORN;
}

const TORN = "torn";
/** Maximum bytes of an entry that is read into memory: the largest record and its error. */
const MAX_ENTRY_BYTES = 34 * 1024 * 1024;
const BATCH_BYTES = 1024 * 1024;
const BATCH_RECORDS = 256;
/** A batch of shorter entries than these is followed by another one. */
const TYPICAL_ENTRY_BYTES = 128;

/**
 * Reads the entries of the dead letter file at `path`, in order. Throws file system errors.
 *
 * @param size Its size in bytes where it was just read; what is added later is then left out.
 */
export async function* readDeadLetters(
  files: FileSystem,
  path: string,
  size?: number,
): AsyncGenerator<DeadLetterEntry> {
  const options = { name: path, sealed: true, ...(size === undefined ? {} : { size }) };
  const file = new ReadOnlySegment(files, path, options);
  try {
    // The reader also finds lines that are not records, as these are.
    const reader = new BatchReader(file, {
      bytes: BATCH_BYTES,
      // A hundred thousand files of one entry each need no room for many.
      records: Math.min(BATCH_RECORDS, Math.ceil(file.end() / TYPICAL_ENTRY_BYTES) + 1),
      recordBytes: MAX_ENTRY_BYTES,
      isExclusive: () => false,
    }, 0);
    for (;;) {
      const batch = await reader.next(true);
      if (batch === null) break;
      const { bytes } = batch;
      const lines = [
        ...batch.records(() => true).map(({ offset, lineStart, lineEnd }) => ({
          offset,
          length: lineEnd - lineStart,
          line: bytes.slice(lineStart, lineEnd) as Uint8Array | undefined,
          torn: false,
        })),
        ...batch.corrupt.map(({ offset, length, line, reason }) => ({
          offset,
          length,
          line,
          torn: reason === "torn",
        })),
      ].sort((a, b) => a.offset - b.offset);
      for (const { offset, length, line, torn } of lines) {
        yield line === undefined
          ? corruptEntry(offset, length, new Uint8Array(0), "too long")
          : torn
          ? corruptEntry(offset, length, line, TORN)
          : parseDeadLetter(offset, line);
      }
    }
  } finally {
    file.close();
  }
}

/**
 * Reads one entry.
 *
 * @param position Names it within its file or stream.
 * @param line Without its newline.
 */
export function parseDeadLetter(position: number, line: Uint8Array): DeadLetterEntry {
  const ranges: number[] = [];
  if (!listFields(line, 0, line.length, ranges)) {
    return corruptEntry(position, line.length, line, "not a JSON object");
  }
  const fields = new Map<string, Uint8Array>();
  for (let i = 0; i < ranges.length; i += 4) {
    const key = decoder.decode(line.subarray(ranges[i] + 1, ranges[i + 1] - 1));
    fields.set(key, line.subarray(ranges[i + 2], ranges[i + 3]));
  }
  const type = RECORD_TYPES.find((known) => known === parsed(fields.get("type"))) ?? null;
  const request = type === null ? undefined : fields.get("req");
  return {
    position,
    line,
    length: line.length,
    type: request === undefined ? null : type,
    request: request ?? null,
    error: errorOf(parsed(fields.get("error"))),
    quarantine: stretchOf(parsed(fields.get("quarantine"))),
  };
}

function corruptEntry(
  position: number,
  length: number,
  line: Uint8Array,
  corrupt: string,
): DeadLetterEntry {
  const error = { reason: "unknown" };
  return { position, line, length, type: null, request: null, error, quarantine: null, corrupt };
}

const decoder = new TextDecoder();

function parsed(text: Uint8Array | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(decoder.decode(text));
  } catch {
    return undefined;
  }
}

function errorOf(value: unknown): DeadLetterError {
  // Other writers of the format may store only a message.
  if (typeof value === "string") return { reason: "unknown", message: value };
  if (typeof value !== "object" || value === null) return { reason: "unknown" };
  const { reason, status, message, attempts, at, offset, length, server, retries } =
    value as Record<string, unknown>;
  return {
    reason: typeof reason === "string" ? reason : "unknown",
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof message === "string" ? { message } : {}),
    ...(typeof attempts === "number" ? { attempts } : {}),
    ...(typeof at === "string" ? { at } : {}),
    ...(typeof offset === "number" ? { offset } : {}),
    ...(typeof length === "number" ? { length } : {}),
    ...(typeof server === "string" ? { server } : {}),
    ...(typeof retries === "number" ? { retries } : {}),
  };
}

function stretchOf(value: unknown): { offset: number; length: number } | null {
  const { offset, length } = (value ?? {}) as { offset?: unknown; length?: unknown };
  return typeof offset === "number" && typeof length === "number" ? { offset, length } : null;
}
