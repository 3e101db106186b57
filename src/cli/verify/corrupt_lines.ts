/**
 * Lines of a log that are not valid records.
 *
 * @module
 */

import { isValidRecord, MAX_RECORD_BYTES } from "../../wal/record/record.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { LogBatch, LogLine } from "../logs/log_lines.ts";
import { formatBytes } from "../terminal/format.ts";
import type { Finding } from "./findings.ts";

const MESSAGES = {
  torn: "Last record is truncated",
  corrupt: "Line is not a valid record",
  oversize: "Line is longer than the server accepts",
} as const;

/** Describes such a line. */
export function lineFinding(
  { reason, offset, length }: DeadLetter,
): Pick<Finding, "kind" | "offset" | "length" | "message"> {
  const kind = reason as keyof typeof MESSAGES;
  return { kind, offset, length, message: `${MESSAGES[kind]} (${formatBytes(length)})` };
}

/**
 * Returns the lines of a batch that cannot be sent, including those that only look like records.
 */
export function corruptLinesOf({ bytes, lines }: LogBatch): DeadLetter[] {
  return lines.map((line) => corruptLineOf(bytes, line)).filter((deadLetter) =>
    deadLetter !== null
  );
}

function corruptLineOf(bytes: Uint8Array, line: LogLine): DeadLetter | null {
  const { offset, length } = line;
  if ("corrupt" in line) return { ...line.corrupt, offset };
  const { lineStart, lineEnd } = line.record;
  // The reader checks its limit between two reads, so a line may slightly exceed it.
  if (length > MAX_RECORD_BYTES) return { reason: "oversize", offset, length };
  if (isValidRecord(bytes, lineStart, lineEnd)) return null;
  return { reason: "corrupt", offset, length, line: bytes.slice(lineStart, lineEnd) };
}
