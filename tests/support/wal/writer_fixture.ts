/**
 * Writers of segments as they appear on disk: presence files, owner files of version 0.1,
 * locks of the Python SDK.
 *
 * @module
 */

import type { MemoryRuntime } from "../simulated_runtime/memory.ts";
import type { ListedSegment } from "../../../src/wal/orphans/directory_listing.ts";
import { Presence, type PresenceOptions } from "../../../src/wal/processes/presence.ts";
import { ownIdentity } from "../../../src/wal/processes/process_identity.ts";
import { formatStem, writerToken } from "../../../src/wal/segment/segment_name.ts";
import { type LogWorld, PROJECT, SERVER, WAL } from "./wal_fixture.ts";

/** A process token for a server; equal numbers yield equal tokens. */
export function tokenOf(number: number, server: string = SERVER): string {
  return writerToken(number.toString(16).padStart(8, "0").padEnd(32, "0"), server);
}

/** The token of a version 0.1 writer, whose names identify the server without a version digit. */
export function oldTokenOf(number: number, server: string = SERVER): string {
  return `${"4".repeat(16)}${number.toString(16).padStart(8, "0")}${tokenOf(0, server).slice(-8)}`;
}

/** A presence record of the process `runtime`. */
export function presenceOf(
  runtime: MemoryRuntime,
  token: string,
  changes: Partial<PresenceOptions> = {},
): Presence {
  const fixed = { runtime, root: WAL, token, server: SERVER, sender: true };
  return new Presence({ ...fixed, report: () => null, ...changes });
}

/** The text of the owner file of the process `runtime`, as written by version 0.1. */
export function ownerText(runtime: MemoryRuntime, changes: Record<string, unknown> = {}): string {
  const facts = { server: SERVER, sender: true, closed: false };
  return JSON.stringify({ ...ownIdentity(runtime.process), ...facts, ...changes });
}

/** The text of a claim held by the process `runtime`, as written by version 0.1. */
export function claimText(runtime: MemoryRuntime): string {
  return JSON.stringify({ token: "c".repeat(32), ...ownIdentity(runtime.process) });
}

/** Writes the files of a segment, by suffix; returns the segment as listed. */
export function putSegment(
  world: LogWorld,
  writer: string,
  files: Record<string, string | Uint8Array>,
  ns: bigint = 1n,
): ListedSegment {
  const { stem } = formatStem(ns, writer);
  for (const [suffix, content] of Object.entries(files)) {
    world.disk.put(`${PROJECT}/${stem}${suffix}`, content);
  }
  return { directory: PROJECT, stem, writer, suffixes: new Set(Object.keys(files)) };
}

/** Writes segments of processes that were killed; each has one line for each of these objects. */
export function putOrphans(
  world: LogWorld,
  segments: number,
  processes: number,
  objects: (segment: number) => readonly string[],
): void {
  for (let n = 0; n < processes; n++) {
    const dead = world.process();
    presenceOf(dead, tokenOf(n + 1)).ensure();
    dead.kill();
  }
  for (let n = 0; n < segments; n++) {
    const text = objects(n).map(objectLine).join("");
    putSegment(world, tokenOf(n % processes + 1), { ".jsonl": text, ".lock": "1" }, BigInt(n));
  }
}

/** The request of an object. */
export function objectRequest(object_id: string): string {
  return JSON.stringify({ obj: { project_id: "team/project", object_id, val: {} } });
}

function objectLine(object_id: string): string {
  return `{"type":"obj_create","req":${objectRequest(object_id)}}\n`;
}
