/**
 * Mutants of the log on a stream, which the simulation must find.
 *
 * @module
 */

import type { LogEngine, MessageReader } from "../../../src/jetstream/engine.ts";
import { LeaderCheck } from "../../../src/jetstream/nats/leader_check.ts";
import { PartitionSegment } from "../../../src/jetstream/sending/partition_segment.ts";
import { StreamLog } from "../../../src/jetstream/log/stream_log.ts";
import { instead, patch } from "../mutants/make.ts";
import type { SimConnection } from "./sim_stream.ts";
import type { StreamViolation } from "./stream_server.ts";

/** A mutant. */
export interface StreamBug {
  readonly name: string;
  readonly mistake: string;
  /** The promises that it breaks; other violations do not count. */
  readonly breaks: readonly StreamViolation[];
  /** Seeds within which it must be found. */
  readonly seeds: number;
  /** Changes the library's classes; returns a function that restores them. */
  patch?(): () => void;
  /** Changes the requests of a process to its engine. */
  engine?(engine: LogEngine): LogEngine;
}

/** All mutants. */
export const STREAM_BUGS: readonly StreamBug[] = [
  {
    name: "stream-answered-early",
    mistake: "a write is answered before the engine has it",
    breaks: ["lost"],
    seeds: 200,
    patch: () =>
      patch(
        StreamLog.prototype,
        "write",
        (original) =>
          function (this: StreamLog, ...records) {
            original.apply(this, records).catch(() => {});
            return Promise.resolve();
          },
      ),
  },
  {
    name: "stream-read-ahead-lost",
    mistake: "messages that came before a failure of the engine are left out",
    breaks: ["lost", "order"],
    seeds: 300,
    engine: (engine) => {
      const connection = engine as SimConnection;
      return withReader(engine, (reader) =>
        instead(reader, {
          async next(most) {
            const before = connection.closedConsumers;
            const found = await reader.next(most);
            return connection.closedConsumers > before ? [] : found;
          },
        }));
    },
  },
  {
    name: "stream-skips-unnoticed",
    mistake: "messages that a consumer skipped are not asked for",
    breaks: ["lost", "order", "pending"],
    seeds: 300,
    patch() {
      const undo = [
        patch(
          LeaderCheck.prototype,
          "confirmed",
          () => (_, messages) => Promise.resolve(messages.length),
        ),
        patch(LeaderCheck.prototype, "read", () => () => Promise.resolve([])),
      ];
      return () => undo.forEach((restore) => restore());
    },
  },
  {
    name: "stream-gaps-unnoticed",
    mistake: "messages that a consumer skipped are asked for only when no others come",
    breaks: ["order"],
    seeds: 300,
    patch: () =>
      patch(
        LeaderCheck.prototype,
        "confirmed",
        () => (_, messages) => Promise.resolve(messages.length),
      ),
  },
  {
    name: "stream-inner-gaps-unnoticed",
    mistake:
      "only the gap before what the reader returns is checked, not those between its messages",
    breaks: ["order"],
    seeds: 300,
    patch: () =>
      patch(
        LeaderCheck.prototype,
        "confirmed",
        (original) =>
          async function (this: LeaderCheck, from, messages) {
            const first = await original.call(this, from, messages.slice(0, 1));
            return first === 1 ? messages.length : first;
          },
      ),
  },
  {
    name: "stream-removed-in-any-order",
    mistake: "messages are removed side by side: a start may stay whose end is removed",
    breaks: ["order"],
    seeds: 300,
    engine: (engine) =>
      instead(engine, {
        remove(position) {
          void engine.remove(position).catch(() => {});
          return Promise.resolve();
        },
      }),
  },
  {
    name: "stream-removed-early",
    mistake: "messages are removed when they are read",
    breaks: ["lost", "order"],
    seeds: 200,
    patch: () =>
      patch(
        PartitionSegment.prototype,
        "acknowledge",
        (original) =>
          function (this: PartitionSegment) {
            return original.call(this, this.end());
          },
      ),
  },
  {
    name: "stream-removed-too-far",
    mistake: "the message behind the last that was delivered is removed too",
    breaks: ["lost", "order"],
    seeds: 300,
    engine: (engine) =>
      instead(engine, {
        async remove(position) {
          await engine.remove(position);
          await engine.remove(position + 1);
        },
      }),
  },
  {
    name: "stream-any-partition",
    mistake: "records of one call are in any partition",
    breaks: ["order", "lease"],
    seeds: 200,
    engine(engine) {
      let count = 0;
      return instead(engine, {
        publish: (subject, payload, id) =>
          engine.publish(subject.replace(/\.\d+\./, () => `.${count++ % 2}.`), payload, id),
      });
    },
  },
  {
    name: "stream-full-drops",
    mistake: "what a full stream does not take counts as written",
    breaks: ["lost"],
    seeds: 300,
    engine: (engine) =>
      instead(engine, {
        publish: (subject, payload, id) =>
          engine.publish(subject, payload, id).catch((error) => {
            if (error.failure === "full") return 0;
            throw error;
          }),
      }),
  },
  {
    name: "stream-dead-letter-lost",
    mistake: "a record that the server refuses is removed before its dead letter is kept",
    breaks: ["lost"],
    seeds: 300,
    engine: (engine) => instead(engine, { keepDeadLetter: () => Promise.resolve() }),
  },
];

function withReader(
  engine: LogEngine,
  change: (reader: MessageReader) => MessageReader,
): LogEngine {
  return instead(engine, { read: (filter, from) => change(engine.read(filter, from)) });
}
