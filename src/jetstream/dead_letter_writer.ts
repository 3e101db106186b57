/**
 * Keeps dead letters in a stream of their own, one message each.
 *
 * A subject names the record: `<prefix>-dead.<partition>.<position>.<offset>.<entity>.<project>`. The
 * stream keeps one message a subject, so that a record which is refused twice is there once.
 *
 * @module
 */

import type { Clock } from "../runtime/runtime.ts";
import { deadLetterEntry, deadLetterError } from "../wal/dead_letters/dead_letter_entry.ts";
import type { LogEngine } from "./engine.ts";
import type { DeadLetterLine } from "./partition_segment.ts";

/** The partition that dead letters come from, and their engine. */
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

/** Keeps dead letters; resolves when a quorum has them. @throws {EngineError} */
export async function keepDeadLetters(
  { engine, clock, prefix, partition }: DeadLetterPlace,
  lines: readonly DeadLetterLine[],
): Promise<void> {
  await Promise.all(lines.map(async ({ deadLetter, line, message, offset }) => {
    const error = { ...deadLetterError(deadLetter, clock.now()), offset };
    const own = new Uint8Array(line);
    const text = deadLetterEntry({ ...deadLetter, line: own }, error) ??
      `${JSON.stringify({ type: "unreadable", error, bytes: base64(own) })}\n`;
    const project = message.subject.split(".").slice(-2).join(".");
    const subject = `${deadLetterPrefix(prefix)}.${partition}.${message.seq}.${offset}.${project}`;
    await engine.publish(subject, encoder.encode(text), subject);
  }));
}

const encoder = new TextEncoder();

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}
