/**
 * The senders of a stream, as their keys show them.
 *
 * @module
 */

import type { LogStores } from "../../jetstream/message_store.ts";
import { leaseKey } from "../../jetstream/sending/stream_lease.ts";
import { SENDER_PREFIX } from "../../jetstream/sending/sender_presence.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { STALE_AFTER_MS } from "../../wal/processes/failure_detector.ts";
import { parsePresence } from "../../wal/processes/presence_state.ts";
import { type ProcessView, statusOf } from "../../wal/processes/process_status.ts";
import type { Drainer } from "../../wal/orphans/segment_status.ts";

/** The senders of a stream now. */
export interface StreamSenders {
  readonly processes: readonly ProcessView[];
  /**
   * The sender of a partition: the holder of its lease; while nobody holds it, a sender that takes it
   * as soon as the server accepts requests. `null` if no sender is running.
   */
  drainer(partition: number): Drainer | null;
}

const decoder = new TextDecoder();

/** Reads the keys of senders and leases. @throws {EngineError} `away`. */
export async function readSenders(
  runtime: Pick<Runtime, "process" | "clock">,
  { keys }: LogStores,
): Promise<StreamSenders> {
  const top = `$KV.${keys.name.replace(/^KV_/, "")}.`;
  const now = runtime.clock.now();
  const processes: ProcessView[] = [];
  const holders = new Map<string, { token: string; heartbeat: number }>();
  for await (const { subject, time, payload } of keys.read(`${top}>`)) {
    const key = subject.slice(top.length);
    const text = decoder.decode(payload);
    // A key that its process no longer writes vanishes: it is as fresh as its clock allows.
    const heartbeat = Math.min(now, Math.max(time, now - STALE_AFTER_MS));
    if (!key.startsWith(`${SENDER_PREFIX}.`)) holders.set(key, { token: text, heartbeat });
    else {
      const view = viewOf(runtime, text, heartbeat);
      if (view !== null) processes.push(view);
    }
  }
  return {
    processes,
    drainer(partition) {
      const holder = holders.get(leaseKey(partition));
      if (holder === undefined) {
        const next = processes.find(({ sender }) => sender?.state !== "up") ?? processes[0];
        return next === undefined ? null : { ...next, as: "lease-holder" };
      }
      const { token, heartbeat } = holder;
      const known = processes.find((process) => process.token === token);
      return { ...known ?? statusOf(runtime, null, heartbeat), token, as: "lease-holder" };
    },
  };
}

function viewOf(
  runtime: Pick<Runtime, "process" | "clock">,
  text: string,
  heartbeat: number,
): ProcessView | null {
  const presence = parsePresence(text);
  if (presence === null) return null;
  const { token, identity, server, report: sender } = presence;
  const status = statusOf(runtime, identity, heartbeat);
  return { ...status, token, server, sends: true, sender, log: null };
}
