/**
 * Reads the project of a record.
 * @module
 */

import { topLevelField } from "../../bytes/json_fields.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import { textField } from "../calls/call_fields.ts";

/** Field that contains the project, if it is not in the request itself. */
const WRAPPERS: Partial<Record<RecordType, string>> = {
  call_start: "start",
  call_end: "end",
  obj_create: "obj",
  table_create: "table",
};

/** Returns `entity/project` of a record; `undefined` if it contains none. */
export function projectOf({ type, bytes, start, end }: BatchRecord): string | undefined {
  const wrapper = WRAPPERS[type];
  const inner = wrapper === undefined ? { start, end } : topLevelField(bytes, start, end, wrapper);
  return inner ? textField(bytes, inner.start, inner.end, "project_id") : undefined;
}
