/**
 * Subjects of records in the stream: `<prefix>.<partition>.<entity>.<project>`.
 * All records of one call are in one partition, and so are all other records of a project: starts
 * precede ends, and base objects precede changes. Records are ordered within a partition, not
 * between partitions.
 * @module
 */

import { topLevelField } from "../bytes/json_fields.ts";
import { isOtelType } from "../protocol/otlp/otel_request.ts";
import type { RecordType } from "../protocol/record_types.ts";

/** Request fields that contain the call. */
const CALL_WRAPPERS: Partial<Record<RecordType, string>> = { call_start: "start", call_end: "end" };

const encoder = new TextEncoder();

/** Record and its partition. */
export interface PlacedRecord {
  readonly partition: number;
  readonly request: string;
  /** ID of the call whose start, end or update it is, if it contains one. */
  readonly callId?: string | undefined;
}

/**
 * Returns the partition of a record. A record about calls in several partitions is split, one
 * record per partition.
 * @param projectId `entity/project`.
 * @param partitions Number of partitions.
 */
export function placeRecord(
  type: RecordType,
  request: string,
  projectId: string,
  partitions: number,
): PlacedRecord[] {
  if (type === "calls_delete" && partitions > 1) {
    return splitDelete(request, projectId, partitions);
  }
  const callId = callOf(type, request);
  const key = isOtelType(type) ? request : callId ?? projectId;
  return [{ partition: partitionOf(key, partitions), request, callId }];
}

/**
 * Returns the partition of a key: 32-bit FNV-1a. Relays of all versions must use the same function.
 */
export function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

/** Returns the ID of the call that a record is about. */
function callOf(type: RecordType, request: string): string | undefined {
  const wrapper = CALL_WRAPPERS[type];
  if (wrapper === undefined && type !== "call_update") return undefined;
  const bytes = encoder.encode(request);
  const inner = wrapper === undefined
    ? { start: 0, end: bytes.length }
    : topLevelField(bytes, 0, bytes.length, wrapper);
  const name = wrapper === undefined ? "call_id" : "id";
  const id = inner && topLevelField(bytes, inner.start, inner.end, name);
  if (!id) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(id.start, id.end)));
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function splitDelete(request: string, projectId: string, partitions: number): PlacedRecord[] {
  const home = partitionOf(projectId, partitions);
  let body: { call_ids?: unknown };
  try {
    body = JSON.parse(request);
  } catch {
    return [{ partition: home, request }];
  }
  const { call_ids: ids } = body;
  if (!Array.isArray(ids)) return [{ partition: home, request }];
  const groups = new Map<number, unknown[]>();
  for (const id of ids) {
    const partition = partitionOf(`${id}`, partitions);
    const group = groups.get(partition);
    if (group) group.push(id);
    else groups.set(partition, [id]);
  }
  if (groups.size < 2) return [{ partition: [...groups.keys()][0] ?? home, request }];
  return [...groups].map(([partition, group]) => ({
    partition,
    request: JSON.stringify({ ...body, call_ids: group }),
  }));
}

/** Returns the subject of a project's records in a partition. */
export function recordSubject(prefix: string, partition: number, projectId: string): string {
  const [entity, project = ""] = projectId.split("/");
  return `${prefix}.${partition}.${token(entity)}.${token(project)}`;
}

/** Returns the filter for all records of a partition. */
export function partitionFilter(prefix: string, partition: number): string {
  return `${prefix}.${partition}.>`;
}

/** Returns the `entity/project` encoded in the last two tokens of a subject. */
export function projectOfSubject(subject: string): string {
  return subject.split(".").slice(-2).map(nameOf).join("/");
}

/** Other programs can write any subject: a token that is not percent-encoded names itself. */
function nameOf(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** Partition and project of a subject. */
export interface SubjectPlace {
  readonly partition: number;
  readonly entity: string;
  readonly project: string;
}

/** Parses `<prefix>.<partition>.<entity>.<project>`; returns `null` for any other subject. */
export function placeOfSubject(prefix: string, subject: string): SubjectPlace | null {
  const partition = Number(subject.slice(prefix.length + 1).split(".")[0]);
  const projectId = projectOfSubject(subject);
  if (recordSubject(prefix, partition, projectId) !== subject) return null;
  const [entity, project] = projectId.split("/");
  return entity === "" || project === "" ? null : { partition, entity, project };
}

/** Encodes a name as one token of a subject: dots, spaces and wildcards are escaped. */
export function token(name: string): string {
  return encodeURIComponent(name)
    .replace(
      /[.*!'()~]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    );
}
