/**
 * Reports of a log on NATS JetStream.
 *
 * @module
 */

import { readDeadLetterStream } from "../../jetstream/dead_letters/dead_letter_stream.ts";
import { deadLetterPrefix } from "../../jetstream/dead_letters/dead_letter_writer.ts";
import type { StreamState } from "../../jetstream/engine.ts";
import type { LogStores } from "../../jetstream/message_store.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { DeadLetterError } from "../../wal/dead_letters/dead_letter_reader.ts";
import { isMeant, type LogFilter } from "../logs/projects.ts";
import {
  type DeadLetterCount,
  DeadLetterTally,
  NO_DEAD_LETTERS,
} from "../status/state/dead_letter_count.ts";
import { healthOf, type LogHealth } from "../status/state/log_health.ts";
import type { SegmentReport } from "../status/state/part_report.ts";
import { summaryOf } from "../status/state/part_summary.ts";
import type { ProjectReport, StatusReport, StatusSource } from "../status/report.ts";
import { type PendingPart, StreamPending } from "./stream_pending.ts";
import { streamParts } from "./stream_parts.ts";
import { readSenders, type StreamSenders } from "./stream_senders.ts";

/** Makes reports of one stream. */
export class StreamStatus implements StatusSource {
  readonly #runtime: Runtime;
  readonly #stores: LogStores;
  readonly #place: string;
  readonly #filter: LogFilter;
  readonly #pending: StreamPending;
  readonly #deadLetters: DeadLetterCounter;

  /**
   * @param stores The log, open.
   * @param place Its address, for people.
   */
  constructor(runtime: Runtime, stores: LogStores, place: string, filter: LogFilter) {
    this.#runtime = runtime;
    this.#stores = stores;
    this.#place = place;
    this.#filter = filter;
    this.#pending = new StreamPending(stores);
    this.#deadLetters = new DeadLetterCounter(stores);
  }

  async report(): Promise<StatusReport> {
    const at = this.#runtime.clock.now();
    const senders = await readSenders(this.#runtime, this.#stores);
    const { server } = this.#stores;
    const isOther = server !== null && (this.#filter.server ?? server) !== server;
    const projects = isOther ? [] : await this.#projects(senders);
    const roots = [this.#place];
    const { processes } = senders;
    return { unit: "partition", root: this.#place, roots, at, projects, processes };
  }

  async #projects(senders: StreamSenders): Promise<ProjectReport[]> {
    const { parts, state } = await this.#pending.count();
    const deadLetters = await this.#deadLetters.count();
    const byProject = new Map<string, PendingPart[]>();
    for (const project of deadLetters.keys()) byProject.set(project, []);
    for (const part of parts) {
      const name = `${part.entity}/${part.project}`;
      byProject.set(name, [...byProject.get(name) ?? [], part]);
    }
    const health = healthOfStream(state);
    return [...byProject].sort(([a], [b]) => a < b ? -1 : 1).map(([name, own]) => {
      const [entity, project] = name.split("/");
      const segments = own.map((part) => partReport(part, senders));
      return {
        entity,
        project,
        directory: name,
        segments,
        ...summaryOf(segments),
        deadLetters: deadLetters.get(name) ?? NO_DEAD_LETTERS,
        logs: [],
        health,
        parts: async (part?: string) => {
          const parts = await streamParts(this.#runtime.clock, this.#stores, { entity, project });
          return parts.filter((one) => part === undefined || one.name === part);
        },
      };
    }).filter((project) => isMeant(project, this.#filter));
  }
}

function partReport(
  { partition, records, bytes, isEstimate, oldest }: PendingPart,
  senders: StreamSenders,
): SegmentReport {
  const name = `partition ${partition}`;
  return {
    name,
    state: {
      stem: name,
      size: bytes,
      checkpoint: { offset: 0 },
      open: true,
      drainer: senders.drainer(partition),
      writer: null,
    },
    pendingRecords: records,
    pendingEstimated: isEstimate,
    pendingBytes: bytes,
    oldest,
  };
}

/** The stream is one for all projects, and so is its limit. */
function healthOfStream({ bytes: usedBytes, maxBytes }: StreamState): LogHealth {
  const none = healthOf([]);
  if (maxBytes <= 0) return none;
  return { ...none, quota: { usedBytes, maxBytes, policy: "refuse", fullAt: null } };
}

/** Counts dead letters by project; reads each once. */
class DeadLetterCounter {
  readonly #stores: LogStores;
  readonly #known = new Map<string, { project: string; error: DeadLetterError }>();
  #next = 1;

  constructor(stores: LogStores) {
    this.#stores = stores;
  }

  async count(): Promise<Map<string, DeadLetterCount>> {
    const { deadLetters, prefix } = this.#stores;
    const { subjects, lastSeq } = await deadLetters.state(`${deadLetterPrefix(prefix)}.>`);
    const range = { from: this.#next, to: lastSeq + 1 };
    for await (const found of readDeadLetterStream(deadLetters, prefix, range)) {
      const { subject, entity, project, entry: { error } } = found;
      this.#known.set(subject, { project: `${entity}/${project}`, error });
    }
    this.#next = lastSeq + 1;
    const tallies = new Map<string, DeadLetterTally>();
    for (const [subject, { project, error }] of this.#known) {
      if (!subjects.has(subject)) {
        this.#known.delete(subject);
        continue;
      }
      const tally = tallies.get(project) ?? new DeadLetterTally();
      tally.add(error);
      tallies.set(project, tally);
    }
    return new Map([...tallies].map(([project, tally]) => [project, tally.count()]));
  }
}
