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
import { NO_LINES } from "../../wal/segment/delivered_lines.ts";
import { BatchReader } from "../../wal/record/batch_reader.ts";
import type { BlockOptions, LogBatch, LogBlock, LogLine } from "../logs/log_lines.ts";
import type { LogPart } from "../logs/log_part.ts";
import { isMeant, type LogFilter } from "../logs/projects.ts";
import { limitsFor } from "../logs/read_limits.ts";
import { plural } from "../terminal/format.ts";

/** Approximate bytes of a block that is read from the end of a stream. */
const BLOCK_BYTES = 2 * 1024 * 1024;

/** The projects with records in a stream, by name. @throws {EngineError} `away`. */
export async function streamParts(
  clock: Clock,
  stores: LogStores,
  filter: LogFilter,
): Promise<LogPart[]> {
  const { records, prefix, server } = stores;
  if (server !== null && (filter.server ?? server) !== server) return [];
  const { subjects, lastSeq, bytes } = await records.state(`${prefix}.>`);
  const messages = new Map<string, number>();
  for (const [subject, count] of subjects) {
    const name = projectOfSubject(subject);
    messages.set(name, (messages.get(name) ?? 0) + count);
  }
  return [...messages].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, count]) => partOf(clock, stores, name, count, { size: lastSeq + 1, bytes }))
    .filter((part) => isMeant(part, filter));
}

function partOf(
  clock: Clock,
  { records, prefix }: LogStores,
  directory: string,
  messages: number,
  { size, bytes }: { readonly size: number; readonly bytes: number },
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
    pendingBytes: bytes,
    begun: null,
    written: () => null,
    async *read({ from = 1, to = size } = {}) {
      for await (const message of records.read(filter, { from, to })) {
        if (projectOfSubject(message.subject) === directory) yield* batchesOf(clock, message);
      }
    },
    async *at(position) {
      const message = await records.first(filter, position);
      if (message?.seq !== position || projectOfSubject(message.subject) !== directory) return;
      yield* batchesOf(clock, message);
    },
    async *blocksFromEnd({ start = 1, blockBytes = BLOCK_BYTES }: BlockOptions = {}) {
      const first = (await records.first(filter, Math.max(1, start)))?.seq ?? size;
      yield* blocksOf({ from: first, to: size, bytes }, blockBytes);
    },
    // A record that is dead-lettered has left the stream.
    deadLettered: () => Promise.resolve(new Set()),
    delivered: () => NO_LINES,
  };
}

/** Splits positions into blocks of about `blockBytes` each, the last one first. */
function* blocksOf(
  { from: first, to: size, bytes }: LogBlock,
  blockBytes: number,
): Generator<LogBlock> {
  const positions = Math.max(1, Math.floor((size - first) * blockBytes / Math.max(1, bytes)));
  const after = (position: number): number =>
    Math.round(bytes * (size - position) / (size - first));
  for (let to = size; to > first;) {
    const from = Math.max(first, to - positions);
    yield { from, to, bytes: after(from) - after(to) };
    to = from;
  }
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
