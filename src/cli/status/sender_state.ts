/**
 * Who sends a project's records, and how that goes.
 *
 * @module
 */

import type { Party } from "../../wal/ownership/segment_status.ts";
import type { SenderView } from "../../wal/ownership/sender_status.ts";
import type { ProjectReport } from "./report.ts";

/**
 * How the sending of a project goes.
 *
 * - `idle`: nothing waits, and nobody has to send.
 * - `sending`: somebody holds its files, and nothing is known to be wrong.
 * - `down`: the server cannot be reached; it is tried again.
 * - `held`: the server answers but refuses everything, such as a wrong key; somebody must act.
 * - `nobody`: records wait and no sender holds them.
 */
export type SenderStateName = "idle" | "sending" | "down" | "held" | "nobody";

/** Who sends, and how that goes. */
export interface SenderState {
  readonly state: SenderStateName;
  /** The process that sends, where one is known. */
  readonly by: Party | null;
  /** What it says of itself, where it does. */
  readonly note: SenderView | null;
}

const GRAVITY: Readonly<Record<SenderView["state"], number>> = { up: 0, down: 1, held: 2 };

/** Who sends the records of `project`. */
export function senderStateOf(
  project: ProjectReport,
  senders: readonly SenderView[],
): SenderState {
  const claims = project.segments.map(({ state }) => state.claim)
    .filter((claim) => claim !== null)
    .filter(({ standing }) => standing !== "dead");
  const notes = senders
    .filter(({ token }) => claims.some((claim) => claim.token === token))
    .sort((a, b) => GRAVITY[b.state] - GRAVITY[a.state]);
  const worst = notes[0];
  if (worst && worst.state !== "up") return { state: worst.state, by: worst, note: worst };
  if (claims.length > 0) return { state: "sending", by: worst ?? claims[0], note: worst ?? null };
  return { state: project.pendingBytes > 0 ? "nobody" : "idle", by: null, note: null };
}

/** `pid 4711`, with its host where that is another one. */
export function partyName({ pid, host, standing }: Party): string {
  if (pid === null) return "an unknown process";
  return standing === "elsewhere" && host ? `pid ${pid} on ${host}` : `pid ${pid}`;
}
