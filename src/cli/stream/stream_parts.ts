/**
 * The records of projects in a stream, as parts of a log. A position is that of a message.
 *
 * @module
 */

import type { EngineMessage } from "../../jetstream/engine.ts";
import type { LogStores } from "../../jetstream/message_store.ts";
import { PartitionSegment } from "../../jetstream/sending/partition_segment.ts";
import { projectOfSubject } from "../../jetstream/subjects.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { BatchReader } from "../../wal/record/batch_reader.ts";
import type { LogBatch, LogLine } from "../logs/log_lines.ts";
import type { LogPart } from "../logs/log_part.ts";
import { isMeant, type LogFilter } from "../logs/projects.ts";
import { limitsFor } from "../logs/read_limits.ts";
import { plural } from "../terminal/format.ts";

/** Positions of a block that is read from the end of a stream. */
const BLOCK_MESSAGES = 2_000;

/** The projects with records in a stream, by name. @throws {EngineError} `away`. */
export async function streamParts(
  clock: Clock,
  stores: LogStores,
  filter: LogFilter,
): Promise<LogPart[]> {
  const { records, prefix, server } = stores;
  if (server !== null && (filter.server ?? server) !== server) return [];
  const { subjects, lastSeq } = await records.state(`${prefix}.>`);
  const messages = new Map<string, number>();
  for (const [subject, count] of subjects) {
    const name = projectOfSubject(subject);
    messages.set(name, (messages.get(name) ?? 0) + count);
  }
  return [...messages].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, count]) => partOf(clock, stores, name, count, lastSeq + 1))
    .filter((part) => isMeant(part, filter));
}

function partOf(
  clock: Clock,
  { records, prefix }: LogStores,
  directory: string,
  messages: number,
  size: number,
): LogPart {
  const [entity, project = ""] = directory.split("/");
  // Records of one trace may be in several partitions: read together, they are in order. Servers
  // take no filter for one project in all partitions.
  const filter = `${prefix}.>`;
  return {
    entity,
    project,
    directory,
    key: directory,
    name: records.name,
    about: plural(messages, "message"),
    size,
    pendingFrom: 0,
    begun: null,
    async *read(range = {}) {
      for await (const message of records.read(filter, { to: size, ...range })) {
        if (projectOfSubject(message.subject) === directory) yield* batchesOf(clock, message);
      }
    },
    async *blocksFromEnd() {
      const first = (await records.first(filter, 1))?.seq ?? size;
      for (let to = size; to > first;) {
        const from = Math.max(first, to - BLOCK_MESSAGES);
        yield { from, to };
        to = from;
      }
    },
    // A record that is dead-lettered has left the stream.
    deadLettered: () => Promise.resolve(new Set()),
  };
}

/** Reads the lines of one message; their offset is its position. */
export async function* batchesOf(
  clock: Clock,
  message: EngineMessage,
): AsyncGenerator<LogBatch> {
  const { subject: name, seq, payload } = message;
  const done = (): Promise<void> => Promise.resolve();
  const assertHeld = (): void => {};
  const segment = new PartitionSegment({
    name,
    clock,
    assertHeld,
    remove: done,
    keep: done,
    onRoom: assertHeld,
  });
  segment.push([message]);
  const reader = new BatchReader(segment, limitsFor(payload.length), 0);
  for (let batch = await reader.next(true); batch !== null; batch = await reader.next(true)) {
    const lines = [
      ...batch.records(() => true).map((record) => ({
        at: record.offset,
        line: { offset: seq, length: record.lineEnd - record.lineStart, record } as LogLine,
      })),
      ...batch.corrupt.map((corrupt) => ({
        at: corrupt.offset,
        line: { offset: seq, length: corrupt.length, corrupt } as LogLine,
      })),
    ].sort((a, b) => a.at - b.at);
    yield { bytes: batch.bytes, lines: lines.map(({ line }) => line), to: seq + 1 };
  }
}
