/**
 * Data of a project at a server, without what may differ between two runs of one program.
 *
 * @module
 */

import type { CallRecord } from "../../../tools/mock_server/store/call_store.ts";
import type { MockStore } from "../../../tools/mock_server/store/store.ts";

/** A call with its children. */
export type SnapshotCall = Record<string, unknown> & { children: SnapshotCall[] };

/** Data of a server. */
export interface Snapshot {
  readonly calls: SnapshotCall[];
  /** Digests of each object's versions. */
  readonly objects: Record<string, string[]>;
  readonly tables: string[];
  /** Content by digest. */
  readonly files: Record<string, string>;
  readonly feedback: unknown[];
  /** Refs that the server cannot resolve. */
  readonly dangling: string[];
}

/** Takes a snapshot. */
export function snapshotOf(store: MockStore, projectId: string): Snapshot {
  const calls = store.calls(projectId);
  const { objects, tables, files } = store.project(projectId);
  const named = (value: unknown): unknown =>
    JSON.parse(
      calls.reduce((text, { id }) => text.replaceAll(id, "ID"), JSON.stringify(value ?? null)),
      // The latency of a model varies.
      (key, inner) => key === "model_latency" ? "measured" : inner,
    );
  const feedback = store.feedback(projectId)
    .map(({ id: _, created_at: __, ...item }) => named(item));
  return {
    calls: sorted(tree(calls, null, named)),
    objects: sortedEntries(
      [...objects].map(([id, versions]) => [id, versions.map(({ digest }) => digest).sort()]),
    ),
    tables: [...tables.keys()].sort(),
    files: sortedEntries(
      [...files].map(([digest, { content }]) => [digest, new TextDecoder().decode(content!)]),
    ),
    feedback: feedback.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1),
    dangling: danglingRefs(store, projectId),
  };
}

function tree(
  calls: readonly CallRecord[],
  parent: string | null,
  named: (value: unknown) => unknown,
): SnapshotCall[] {
  return calls.filter(({ parent_id }) => parent_id === parent).map((call) => ({
    op_name: call.op_name,
    root: calls.find(({ id }) => id === call.trace_id) === undefined,
    ended: call.ended_at !== null && call.started_at! <= call.ended_at,
    display_name: call.display_name,
    attributes: call.attributes,
    inputs: named(call.inputs),
    output: named(call.output),
    exception: call.exception,
    summary: call.summary,
    children: tree(calls, call.id, named),
  }));
}

/** Sorts calls independently of the order of concurrent ones. */
function sorted(calls: SnapshotCall[]): SnapshotCall[] {
  const key = (call: SnapshotCall) => JSON.stringify([call.op_name, call.inputs, call.children]);
  return calls.map((call) => ({ ...call, children: sorted(call.children) }))
    .sort((a, b) => key(a) < key(b) ? -1 : 1);
}

function sortedEntries<Value>(entries: [string, Value][]): Record<string, Value> {
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

const REF = /weave:\/\/\/([^/"]+\/[^/"]+)\/(object|op|table|call)\/([^"]+)/g;

function danglingRefs(store: MockStore, projectId: string): string[] {
  const { objects } = store.project(projectId);
  const values = [...objects.values()].flatMap((versions) => versions.map(({ val }) => val));
  const text = JSON.stringify([store.calls(projectId), values, store.feedback(projectId)]);
  const dangling = new Set<string>();
  for (const [ref, project, kind, rest] of text.matchAll(REF)) {
    const [name, ...path] = rest.split("/");
    const [id, digest] = name.split(":");
    const found = kind === "call"
      ? store.calls(project).some((call) => call.id === id)
      : kind === "table"
      ? store.table(project, id) !== null
      : store.object(project, id, digest) !== null;
    const row = path.indexOf("id");
    const hasRow = row === -1 || store.project(project).rows.has(path[row + 1]);
    if (!found || !hasRow) dangling.add(ref);
  }
  return [...dangling].sort();
}
