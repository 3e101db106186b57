/**
 * Creates and changes the streams of a log.
 * @module
 */

import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { deadLetterPrefix } from "../dead_letters/dead_letter_writer.ts";
import { ask } from "./errors.ts";
import type { NatsModules } from "./modules.ts";
import {
  assertFits,
  DUPLICATE_WINDOW_MS,
  infoOf,
  namesOf,
  SERVER_MARK,
  type StreamFacts,
  type StreamPlan,
  type StreamSettings,
} from "./stream_config.ts";

/** Ms without a heartbeat after which a sender's lease expires. */
const LEASE_TTL_MS = 10_000;

/**
 * Applies a plan: creates what is missing, and changes only the settings that are given, since
 * another relay may have changed others since the plan.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` if a stream has more bytes than the settings allow.
 * @throws {EngineError} `away`, `refused`.
 */
export async function applyPlan(
  { jetstream, kv }: NatsModules,
  manager: JetStreamManager,
  { facts, missing, changes }: StreamPlan,
  settings: Omit<StreamSettings, "name"> = {},
): Promise<void> {
  const { name, replicas } = facts;
  const { leaseTtlMs: ttl = LEASE_TTL_MS, maxBytes, deadLetterBytes } = settings;
  const names = namesOf(name);
  if (missing.includes(names.stream)) {
    await made(() => manager.streams.add(configFor(facts, jetstream)));
  } else if (changes.length > 0) {
    const { New: discard } = jetstream.DiscardPolicy;
    await change(manager, names.stream, {
      ...settings.replicas === undefined ? {} : { num_replicas: settings.replicas },
      ...maxBytes === undefined ? {} : { max_bytes: maxBytes },
    });
    await change(manager, names.deadLetters, {
      discard,
      ...deadLetterBytes === undefined ? {} : { max_bytes: deadLetterBytes },
    }, replicas);
    await change(manager, `KV_${names.leases}`, {}, replicas);
  }
  if (missing.includes(names.deadLetters)) {
    await made(() => manager.streams.add(deadLetterConfig(facts, jetstream)));
  }
  if (missing.includes(`KV_${names.leases}`)) {
    const client = manager.jetstream();
    await made(() => new kv.Kvm(client).create(names.leases, { ttl, history: 1, replicas }));
  }
}

/** Changes settings of a stream, if it exists. @param least Minimum of its replicas. */
async function change(
  manager: JetStreamManager,
  name: string,
  settings: Partial<Pick<StreamConfig, "max_bytes" | "discard" | "num_replicas">>,
  least = 1,
): Promise<void> {
  const info = await infoOf(manager, name);
  if (info === null) return;
  const { config } = info;
  const { num_replicas = config.num_replicas, max_bytes = config.max_bytes } = settings;
  const wanted = { ...settings, num_replicas: Math.max(num_replicas, least) };
  assertFits(info, max_bytes);
  const isMet = Object.entries(wanted)
    .every(([setting, value]) => config[setting as keyof StreamConfig] === value);
  if (!isMet) await ask(() => manager.streams.update(name, wanted));
}

function configFor(
  { name, prefix, partitions, replicas, maxBytes, server }: StreamFacts,
  { DiscardPolicy, RetentionPolicy, StorageType }: NatsModules["jetstream"],
): Partial<StreamConfig> & { name: string } {
  return {
    name,
    description: SERVER_MARK + (server ?? "any server"),
    subjects: Array.from({ length: partitions }, (_, partition) => `${prefix}.${partition}.>`),
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // A full stream rejects new messages: no acknowledged message is dropped.
    discard: DiscardPolicy.New,
    max_bytes: maxBytes,
    num_replicas: replicas,
    duplicate_window: DUPLICATE_WINDOW_MS * 1e6,
    allow_direct: false,
  };
}

function deadLetterConfig(
  { name, prefix, replicas, deadLetterBytes }: StreamFacts,
  { DiscardPolicy, RetentionPolicy, StorageType }: NatsModules["jetstream"],
): Partial<StreamConfig> & { name: string } {
  return {
    name: namesOf(name).deadLetters,
    description: "weave-wal, records that the server refused",
    subjects: [`${deadLetterPrefix(prefix)}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // A full stream rejects new dead letters: their records stay where they are.
    discard: DiscardPolicy.New,
    max_bytes: deadLetterBytes,
    max_msgs_per_subject: 1,
    num_replicas: replicas,
    allow_direct: false,
  };
}

/** Tolerates conflicts: relays that start together create the same streams. */
async function made(make: () => Promise<unknown>): Promise<void> {
  await ask(make).catch((error) => {
    if (error.failure !== "conflict") throw error;
  });
}
