/**
 * Data of a project on a mock server, without what the server generates.
 *
 * @module
 */

import type { MockStore } from "../../../tools/mock_server/store/store.ts";

/** All data of a project that must not depend on how it was sent. */
export function stateOf(store: MockStore, projectId: string): Record<string, unknown> {
  const { objects, tables, rows, files, costs } = store.project(projectId);
  const byId = <T extends { id?: unknown }>(items: T[]): T[] =>
    items.sort((a, b) => String(a.id) < String(b.id) ? -1 : 1);
  return JSON.parse(JSON.stringify({
    calls: byId(
      store.calls(projectId).map((call) => ({ ...call, deleted_at: call.deleted_at !== null })),
    ),
    objects: [...objects].map(([id, versions]) => [id, versions.map(({ digest }) => digest)]),
    tables: [...tables].sort(),
    rows: [...rows].sort(),
    files: [...files].map(([digest, { name, content }]) => [digest, name, [...content ?? []]])
      .sort(),
    feedback: byId(
      store.feedback(projectId).map(({ created_at: _, ...feedback }) => feedback),
    ),
    costs: costs.map(({ id: _, effective_date: __, created_at: ___, ...cost }) => cost),
  }));
}
