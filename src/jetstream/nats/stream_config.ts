/**
 * Required and actual configuration of a log's streams.
 * The stream has one subject per partition, so every relay and sender reads the number of
 * partitions from the stream, and the engine rejects a record for a nonexistent partition.
 * @module
 */

import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { WeaveWalError } from "../../errors.ts";
import { ask, errorParts, isNoStream } from "./errors.ts";

/** Ms within which messages with the same ID are stored once. */
export const DUPLICATE_WINDOW_MS = 120_000;
/** Maximum part of a lowered limit that a stream may fill. */
const MAX_LOWERED_FILL = 0.9;

/** Settings of the streams. `undefined` settings are taken from the existing stream. */
export interface StreamSettings {
  /** Name of the stream; the names of the others are derived from it. */
  readonly name: string;
  readonly prefix?: string | undefined;
  readonly partitions?: number | undefined;
  readonly replicas?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Limit of the dead letters. */
  readonly deadLetterBytes?: number | undefined;
  /**
   * Ms without a heartbeat after which a sender's lease expires, used when the bucket is created.
   */
  readonly leaseTtlMs?: number | undefined;
  /** Base URL of the trace server that the records are for; `undefined` accepts any. */
  readonly server?: string | undefined;
}

/** Defaults of a new stream. */
export const STREAM_DEFAULTS:
  & {
    readonly [Setting in "name" | "prefix"]: string;
  }
  & { readonly [Setting in "partitions" | "replicas" | "maxBytes" | "deadLetterBytes"]: number } = {
    name: "WEAVE_WAL",
    prefix: "weave-wal",
    partitions: 4,
    replicas: 1,
    maxBytes: 10 * 1024 ** 3,
    deadLetterBytes: 1024 ** 3,
  };

/** Configuration of the log's stream: existing or planned. */
export interface StreamFacts {
  readonly name: string;
  readonly prefix: string;
  readonly partitions: number;
  readonly replicas: number;
  /** -1 for no limit. */
  readonly maxBytes: number;
  /** Limit of the dead letters; -1 for none. */
  readonly deadLetterBytes: number;
  readonly server: string | null;
}

/** Effects of a start. */
export interface StreamPlan {
  readonly facts: StreamFacts;
  /** Streams and buckets that do not exist yet. */
  readonly missing: readonly string[];
  /** All changes of the stream, as sentences. */
  readonly changes: readonly string[];
}

/** Returns the names of a log's streams and bucket. */
export function namesOf(name: string): { stream: string; deadLetters: string; leases: string } {
  return { stream: name, deadLetters: `${name}_DEAD`, leases: `${name}_LEASES` };
}

export const SERVER_MARK = "weave-wal, for ";

/**
 * Compares the streams with the settings.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` if the stream belongs to another program, cannot be
 * changed to the settings, or has more bytes than they allow. @throws {EngineError} `away`.
 */
export async function planStreams(
  manager: JetStreamManager,
  settings: StreamSettings,
): Promise<StreamPlan> {
  const names = namesOf(settings.name);
  const stream = await infoOf(manager, names.stream);
  const deadLetters = await infoOf(manager, names.deadLetters);
  const leases = await infoOf(manager, `KV_${names.leases}`);
  const missing = [
    ...deadLetters === null ? [names.deadLetters] : [],
    ...leases === null ? [`KV_${names.leases}`] : [],
  ];
  const deadLetterBytes = settings.deadLetterBytes ?? deadLetters?.config.max_bytes ??
    STREAM_DEFAULTS.deadLetterBytes;
  if (stream === null) {
    const { prefix, partitions, replicas, maxBytes, server } = settings;
    const facts = {
      name: names.stream,
      prefix: prefix ?? STREAM_DEFAULTS.prefix,
      partitions: partitions ?? STREAM_DEFAULTS.partitions,
      replicas: replicas ?? STREAM_DEFAULTS.replicas,
      maxBytes: maxBytes ?? STREAM_DEFAULTS.maxBytes,
      deadLetterBytes,
      server: server ?? null,
    };
    return { facts, missing: [names.stream, ...missing], changes: [] };
  }
  const found = {
    ...factsOf(stream.config),
    deadLetterBytes: deadLetters?.config.max_bytes ?? deadLetterBytes,
  };
  const changes = changesOf(found, settings);
  const facts = {
    ...found,
    replicas: settings.replicas ?? found.replicas,
    maxBytes: settings.maxBytes ?? found.maxBytes,
    deadLetterBytes,
  };
  assertFits(stream, facts.maxBytes);
  if (deadLetters !== null) assertFits(deadLetters, deadLetterBytes);
  // A log whose records survive the loss of a node needs its dead letters and leases too.
  for (const info of [deadLetters, leases]) {
    if (info === null || info.config.num_replicas >= facts.replicas) continue;
    const { name, num_replicas: replicas } = info.config;
    changes.push(`replicas of ${name}: ${replicas} becomes ${facts.replicas}`);
  }
  return { facts, missing, changes };
}

/** Returns a stream; `null` if it does not exist. @throws {EngineError} `away`. */
export async function infoOf(manager: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (isNoStream(error) || errorParts(error).code === 404) return null;
    return await ask(() => Promise.reject(error));
  }
}

function factsOf(config: StreamConfig): Omit<StreamFacts, "deadLetterBytes"> {
  const { name, subjects, description = "", num_replicas: replicas, max_bytes: maxBytes } = config;
  const [prefix] = subjects[0]?.split(".0.>") ?? [];
  const isOurs = description.startsWith(SERVER_MARK) && prefix !== undefined &&
    subjects.every((subject, partition) => subject === `${prefix}.${partition}.>`);
  if (!isOurs) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Cannot use stream ${name}: it is not a log of weave-wal (its subjects: ${subjects})`,
    );
  }
  const server = description.slice(SERVER_MARK.length);
  return {
    name,
    prefix,
    partitions: subjects.length,
    replicas,
    maxBytes,
    server: /^https?:/.test(server) ? server : null,
  };
}

function changesOf(found: StreamFacts, wanted: StreamSettings): string[] {
  const refuse = (what: string): never => {
    throw new WeaveWalError("ERR_INVALID_OPTION", `Cannot use stream ${found.name}: ${what}`);
  };
  const { prefix, partitions, server } = wanted;
  if (prefix !== undefined && prefix !== found.prefix) {
    refuse(`its subjects begin with ${found.prefix}, not ${prefix}`);
  }
  if (partitions !== undefined && partitions !== found.partitions) {
    refuse(
      `it has ${found.partitions} partitions, not ${partitions}; records of one call would be in two`,
    );
  }
  if (server !== undefined && found.server !== null && found.server !== server) {
    refuse(`its records are for ${found.server}, not for ${server}`);
  }
  const changes: string[] = [];
  for (const setting of ["replicas", "maxBytes", "deadLetterBytes"] as const) {
    const value = wanted[setting];
    if (value !== undefined && value !== found[setting]) {
      changes.push(`${setting}: ${found[setting]} becomes ${value}`);
    }
  }
  return changes;
}

/**
 * Servers drop the oldest messages of a stream if its limit becomes less than its size. No request
 * compares the two as it changes the limit, so a lowered one leaves room for what is written
 * meanwhile.
 */
export function assertFits(
  { config: { name, max_bytes }, state: { bytes } }: StreamInfo,
  limit: number,
): void {
  const isLowered = limit > 0 && (limit < max_bytes || max_bytes <= 0);
  if (!isLowered || bytes <= limit * MAX_LOWERED_FILL) return;
  const least = Math.ceil(bytes / MAX_LOWERED_FILL);
  throw new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot limit stream ${name} to ${limit} bytes: it has ${bytes}, and its oldest messages might ` +
      `be lost; use at least ${least}`,
  );
}
