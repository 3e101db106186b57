/**
 * Compares existing streams with what a log relies on.
 * @module
 */

import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import type { StreamFault } from "../message_store.ts";
import { DUPLICATE_WINDOW_MS, infoOf, namesOf, type StreamFacts } from "./stream_config.ts";

/** Nanoseconds without a heartbeat, of which nodes send one a second. */
const SILENT_NS = 5e9;

/** Setting that a stream must have, and the consequence of another value. */
interface Requirement {
  readonly setting: keyof StreamConfig;
  readonly isMet: (value: unknown) => boolean;
  readonly consequence: string;
}

/** Required of streams whose messages stay until weave-wal removes them. */
const KEEPS: readonly Requirement[] = [
  must("retention", is("limits"), "messages are removed before they are sent"),
  must("storage", is("file"), "messages are lost when the servers restart"),
  must("max_age", is(0), "messages are removed before they are sent"),
  must("max_msgs", isUnlimited, "old messages are removed, or new ones refused"),
  must("deny_delete", isOff, "sent messages cannot be removed"),
  must("sealed", isOff, "nothing can be written"),
];

const RECORDS: readonly Requirement[] = [
  ...KEEPS,
  must("discard", is("new"), "a full stream drops records instead of refusing new ones"),
  must("max_msgs_per_subject", isUnlimited, "old records of a project are removed"),
  must(
    "duplicate_window",
    (value) => typeof value === "number" && value >= DUPLICATE_WINDOW_MS * 1e6,
    "records that are written again are stored twice",
  ),
];

const DEAD_LETTERS: readonly Requirement[] = [
  ...KEEPS,
  must("discard", is("new"), "a full stream drops dead letters instead of refusing new ones"),
  must("max_msgs_per_subject", is(1), "a dead letter may be stored twice"),
];

const LEASES: readonly Requirement[] = [
  must(
    "max_age",
    (value) => typeof value === "number" && value > 0,
    "partitions of dead senders are not taken over",
  ),
  must("max_msgs_per_subject", is(1), "old values of a key look like keys"),
];

/** Returns what is wrong with the streams of a log. @throws {EngineError} `away`. */
export async function checkStreams(
  manager: JetStreamManager,
  { name, replicas }: StreamFacts,
): Promise<StreamFault[]> {
  const { stream, deadLetters, leases } = namesOf(name);
  const all = [[stream, RECORDS], [deadLetters, DEAD_LETTERS], [`KV_${leases}`, LEASES]] as const;
  const faults: StreamFault[] = [];
  for (const [one, requirements] of all) {
    const info = await infoOf(manager, one);
    if (info === null) {
      const message = "The stream does not exist; the next relay or sender creates it";
      faults.push({ stream: one, kind: "missing", message });
      continue;
    }
    const found = [
      ...settingFaults(info.config, requirements, replicas),
      ...replicaFaults(info),
    ];
    faults.push(...found.map((fault) => ({ stream: one, ...fault })));
  }
  return faults;
}

type Fault = Omit<StreamFault, "stream">;

function settingFaults(
  config: StreamConfig,
  requirements: readonly Requirement[],
  replicas: number,
): Fault[] {
  const faults = requirements.filter(({ setting, isMet }) => !isMet(config[setting]))
    .map(({ setting, consequence }): Fault => ({
      kind: "settings",
      message: `Setting ${setting} is ${config[setting]}: ${consequence}`,
    }));
  if (config.num_replicas < replicas) {
    const message =
      `Setting num_replicas is ${config.num_replicas}, and ${replicas} for records; ` +
      "the next relay or sender raises it";
    faults.push({ kind: "settings", message });
  }
  return faults;
}

/** Servers report a dead node as not current long before they report it as offline. */
function replicaFaults({ cluster }: StreamInfo): Fault[] {
  return (cluster?.replicas ?? []).flatMap(({ name, current, offline, active, lag }): Fault[] => {
    if (offline === true || active > SILENT_NS) {
      const seconds = Math.round(active / 1e9);
      const seen = active > 0 ? `: last seen ${seconds} s ago` : "";
      return [{ kind: "replica", message: `The replica on ${name} does not respond${seen}` }];
    }
    if (current) return [];
    const message = `The replica on ${name} is ${lag ?? 0} operations behind`;
    return [{ kind: "replica", message, harmless: true }];
  });
}

function must(
  setting: keyof StreamConfig,
  isMet: (value: unknown) => boolean,
  consequence: string,
): Requirement {
  return { setting, isMet, consequence };
}

function is(expected: unknown): (value: unknown) => boolean {
  return (value) => value === expected;
}

function isUnlimited(value: unknown): boolean {
  return typeof value !== "number" || value <= 0;
}

/** Servers leave out settings that are off. */
function isOff(value: unknown): boolean {
  return value !== true;
}
