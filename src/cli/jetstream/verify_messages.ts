/**
 * Verifies the dead letters of a stream, and the keys of its senders and leases.
 *
 * @module
 */

import { DEAD_LETTER_LEASE, isLeaseKey } from "../../jetstream/sending/stream_lease.ts";
import {
  deadLetterOf,
  placeOfDeadLetter,
} from "../../jetstream/dead_letters/dead_letter_stream.ts";
import { deadLetterPrefix } from "../../jetstream/dead_letters/dead_letter_writer.ts";
import type { LogStores } from "../../jetstream/message_store.ts";
import { SENDER_PREFIX } from "../../jetstream/sending/sender_presence.ts";
import { parsePresence } from "../../wal/processes/presence_state.ts";
import type { DeadLetterEntry } from "../../wal/dead_letters/dead_letter_reader.ts";
import { throwIfStopped } from "../context.ts";
import { isMeant, type LogFilter } from "../logs/projects.ts";
import type { VerifyJob } from "../verify/log_verifier.ts";

/** Verifies dead letters. @throws {EngineError} `away`. */
export async function verifyDeadLetters(
  { context: { stop }, findings }: VerifyJob,
  { deadLetters, prefix }: LogStores,
  filter: LogFilter,
): Promise<void> {
  const file = deadLetters.name;
  for await (const found of deadLetters.read(`${deadLetterPrefix(prefix)}.>`)) {
    throwIfStopped(stop);
    const { subject, seq: offset, payload: { length } } = found;
    const place = placeOfDeadLetter(prefix, subject);
    if (place === null) {
      const message = `Subject ${subject} is not that of a dead letter`;
      findings.add({ entity: null, project: null, kind: "foreign", file, offset, message });
      continue;
    }
    if (!isMeant(place, filter)) continue;
    const { entity, project } = place;
    const { id, entry } = deadLetterOf(found);
    const reason = entry.corrupt ?? missingBytes(entry);
    if (reason === null) continue;
    const message = `Not a dead letter: ${reason}; weave-wal dead-letters drop ${id} removes it`;
    findings.add({ entity, project, kind: "dead-letter", file, offset, length, message });
  }
}

const decoder = new TextDecoder();

/** A dead letter holds a record, or bytes that are not one. */
function missingBytes({ type, line }: DeadLetterEntry): string | null {
  if (type !== null) return null;
  try {
    const { bytes } = JSON.parse(decoder.decode(line)) as { bytes?: unknown };
    if (typeof bytes === "string") return null;
  } catch {
    // Not JSON, although its fields can be listed.
  }
  return "it has no record";
}

/** Verifies the keys of senders and leases. @throws {EngineError} `away`. */
export async function verifyKeys(
  { context: { stop }, findings }: VerifyJob,
  { keys, partitions }: LogStores,
): Promise<void> {
  const file = keys.name;
  const top = `$KV.${file.replace(/^KV_/, "")}.`;
  for await (const { subject, seq: offset, payload } of keys.read(`${top}>`)) {
    throwIfStopped(stop);
    const key = subject.slice(top.length);
    const fault = faultOfKey(key, decoder.decode(payload), partitions);
    if (fault === null) continue;
    findings.add({ entity: null, project: null, file, offset, length: payload.length, ...fault });
  }
}

function faultOfKey(
  key: string,
  value: string,
  partitions: number,
): { kind: "key" | "foreign"; message: string; harmless?: true } | null {
  if (key.startsWith(`${SENDER_PREFIX}.`)) {
    if (parsePresence(value) !== null) return null;
    return { kind: "key", message: `The status of ${key} cannot be read` };
  }
  if (key !== DEAD_LETTER_LEASE && !isLeaseKey(key, partitions)) {
    return { kind: "foreign", message: `Not a key of a log: ${key}`, harmless: true };
  }
  if (value !== "") return null;
  return { kind: "key", message: `The lease ${key} has no holder; it must expire or be deleted` };
}
