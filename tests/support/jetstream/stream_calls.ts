/**
 * Calls of one trace, as they are appended to a stream.
 *
 * @module
 */

import type { RecordType } from "../../../src/protocol/record_types.ts";
import { endOf, startOf } from "../mock_server/mock_requests.ts";

/** The project of these calls. */
export const NAME = "acme/chat";

/** The ID of a call, by its number from 0 to 9. */
export const idOf = (number: number): string => `0199f0c2-0000-7000-8000-00000000000${number}`;

/** Options for {@linkcode call}. */
export interface CallOptions {
  /** ID of the parent. */
  readonly parent?: string;
  /** Second of a minute in which it starts and ends. */
  readonly second?: number;
  readonly traceId?: string;
  /** Further fields of its start and of its end. */
  readonly start?: Readonly<Record<string, unknown>>;
  readonly end?: Readonly<Record<string, unknown>>;
}

/** The start and the end of a call of op `op-<last digit of its ID>`. */
export function call(
  id: string,
  { parent, second = 0, traceId, start = {}, end = {} }: CallOptions = {},
): readonly [readonly [RecordType, string], readonly [RecordType, string]] {
  const at = `2026-01-02T03:04:${`${second}`.padStart(2, "0")}.000000Z`;
  const key = {
    project_id: NAME,
    trace_id: traceId ?? "0199f0c2-0000-7000-8000-0000000000ff",
    started_at: at,
    parent_id: parent ?? null,
    op_name: `op-${id.slice(-1)}`,
  };
  return [
    ["call_start", JSON.stringify({ start: startOf(id, { ...key, ...start }) })],
    ["call_end", JSON.stringify({ end: endOf(id, { ...key, ended_at: at, ...end }) })],
  ];
}
