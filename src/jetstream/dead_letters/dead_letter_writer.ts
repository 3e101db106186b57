/**
 * Stores dead letters in their own stream, one message each.
 * The subject identifies the record:
 * `<prefix>-dead.<partition>.<position>.<offset>.<entity>.<project>`. The stream keeps one message
 * per subject, so a record that is rejected twice is stored once.
 * @module
 */

import { base64 } from "../../protocol/json/base64.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { deadLetterEntry, deadLetterError } from "../../wal/dead_letters/dead_letter_entry.ts";
import { EngineError, type LogEngine } from "../engine.ts";
import type { DeadLetterLine } from "../sending/partition_segment.ts";

/** Partition that dead letters come from, and its engine. */
export interface DeadLetterPlace {
  readonly engine: LogEngine;
  readonly clock: Clock;
  readonly prefix: string;
  readonly partition: number;
}

/** First part of the subjects of dead letters. */
export function deadLetterPrefix(prefix: string): string {
  return `${prefix}-dead`;
}

/**
 * Stores dead letters; resolves when a quorum has them. If it rejects, some of them may be stored.
 * @throws {EngineError} `full` at the limit of their stream.
 */
export async function keepDeadLetters(
  { engine, clock, prefix, partition }: DeadLetterPlace,
  lines: readonly DeadLetterLine[],
): Promise<void> {
  await Promise.all(lines.flatMap((line) => {
    const project = line.message.subject.split(".").slice(-2).join(".");
    const place = `${deadLetterPrefix(prefix)}.${partition}.${line.message.seq}`;
    return entriesOf(line, clock.now(), engine.maxPayload).map(({ offset, payload }) => {
      const subject = `${place}.${offset}.${project}`;
      return publish(engine, subject, payload);
    });
  }));
}

async function publish(engine: LogEngine, subject: string, payload: Uint8Array): Promise<void> {
  try {
    await engine.keepDeadLetter(subject, payload);
  } catch (error) {
    if (!(error instanceof EngineError) || error.failure !== "full") throw error;
    const message = `The stream of dead letters is full, their records wait: ${error.message}`;
    throw new EngineError("full", message, { cause: error });
  }
}

interface Entry {
  /** Byte offset in the record's message. */
  readonly offset: number;
  readonly payload: Uint8Array;
}

/** One entry, or one for each part of bytes that are not a record and do not fit into a message. */
function entriesOf(
  { deadLetter, line, offset }: DeadLetterLine,
  now: number,
  maxPayload: number,
): Entry[] {
  const error = { ...deadLetterError(deadLetter, now), offset };
  const own = new Uint8Array(line);
  const text = deadLetterEntry({ ...deadLetter, line: own }, error);
  const payload = text === null ? null : encoder.encode(text);
  if (payload !== null && payload.length <= maxPayload) return [{ offset, payload }];
  const entries: Entry[] = [];
  const size = Math.floor(maxPayload / 2);
  for (let at = 0; at === 0 || at < own.length; at += size) {
    const bytes = own.subarray(at, at + size);
    const part = { ...error, offset: offset + at, length: bytes.length };
    const entry = { type: "unreadable", error: part, bytes: base64(bytes) };
    entries.push({ offset: offset + at, payload: encoder.encode(`${JSON.stringify(entry)}\n`) });
  }
  return entries;
}

const encoder = new TextEncoder();
