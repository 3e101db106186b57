/**
 * A partition as its sender sees it, with all current messages read.
 *
 * @module
 */

import { connect } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { keepDeadLetters } from "../../../src/jetstream/dead_letters/dead_letter_writer.ts";
import type { LogEngine } from "../../../src/jetstream/engine.ts";
import { PartitionSegment } from "../../../src/jetstream/sending/partition_segment.ts";
import { partitionFilter } from "../../../src/jetstream/subjects.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

const { clock } = detectRuntime();

/** Reads all messages of partition 0 into a segment. */
export async function openPartition(engine: LogEngine): Promise<PartitionSegment> {
  const filter = partitionFilter("weave-wal", 0);
  const segment = new PartitionSegment({
    name: "partition 0",
    clock,
    assertHeld: () => {},
    remove: (position) => engine.remove(position),
    keep: (lines) => keepDeadLetters({ engine, clock, prefix: "weave-wal", partition: 0 }, lines),
    onRoom: () => {},
  });
  let last = 0;
  for (
    let next = await engine.first(filter, 1);
    next;
    next = await engine.first(filter, last + 1)
  ) {
    segment.push([next]);
    last = next.seq;
  }
  return segment;
}

/** The texts of all dead letters. @param address `host:port[,host:port…]`. */
export async function deadLetterTexts(address: string, stream = "TEST"): Promise<string[]> {
  const connection = await connect({ servers: address.split(",") });
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(`${stream}_DEAD`);
  const texts: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
    const found = await manager.streams.getMessage(`${stream}_DEAD`, { seq }).catch(() => null);
    if (found) texts.push(new TextDecoder().decode(found.data));
  }
  await connection.close();
  return texts;
}
