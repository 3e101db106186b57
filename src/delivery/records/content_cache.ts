/**
 * Content that the server has just received: sending the same bytes again would change nothing.
 * A thousand processes of one program publish the same source file and the same op object. Files
 * and tables are addressed by their content; so is an object while its latest version stays the
 * same.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import { textField } from "../calls/call_fields.ts";
import { topLevelField } from "../../bytes/json_fields.ts";

/** Ms for which delivered content is not sent again. */
const FRESH_MS = 60_000;
/** Maximum number of entries, and maximum size of a cached request in bytes. */
const MAX_ENTRIES = 512, MAX_BYTES = 64 * 1024;

/** Records with the same content, of which one is sent. */
export interface ContentGroup {
  readonly records: readonly BatchRecord[];
  /** Identifies the content's location; `null` if it must not be shared. */
  readonly key: string | null;
  /** Text of the request. */
  readonly text: string;
}

/** Remembers recently delivered content. */
export class ContentCache {
  readonly #clock: Clock;
  /** By key: the content delivered last, and the time. */
  readonly #delivered = new Map<string, { text: string; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Groups records with the same content, in order. */
  group(records: readonly BatchRecord[]): ContentGroup[] {
    const groups: { records: BatchRecord[]; key: string | null; text: string }[] = [];
    const latest = new Map<string, { records: BatchRecord[]; text: string }>();
    for (const record of records) {
      const text = contentOf(record);
      const key = text === null ? null : keyOf(record, text);
      const before = key === null ? undefined : latest.get(key);
      if (before !== undefined && before.text === text) {
        before.records.push(record);
        continue;
      }
      const group = { records: [record], key, text: text ?? "" };
      groups.push(group);
      if (key !== null) latest.set(key, group);
    }
    return groups;
  }

  /** Returns whether the server recently received this content. */
  has({ key, text }: ContentGroup): boolean {
    const known = key === null ? undefined : this.#delivered.get(key);
    return known !== undefined && known.text === text &&
      this.#clock.monotonic() - known.at < FRESH_MS;
  }

  /** Notes that the server accepted this content. */
  add({ key, text }: ContentGroup): void {
    if (key === null) return;
    this.#delivered.delete(key);
    this.#delivered.set(key, { text, at: this.#clock.monotonic() });
    if (this.#delivered.size > MAX_ENTRIES) {
      this.#delivered.delete(this.#delivered.keys().next().value!);
    }
  }
}

const decoder = new TextDecoder();

/** Returns the text of the request if its effect depends on nothing else. */
function contentOf({ type, bytes, start, end }: BatchRecord): string | null {
  const isContent = type === "file_create" || type === "table_create" || type === "obj_create";
  return isContent && end - start <= MAX_BYTES ? decoder.decode(bytes.subarray(start, end)) : null;
}

function keyOf({ type, bytes, start, end }: BatchRecord, text: string): string | null {
  if (type !== "obj_create") return `${type} ${text}`;
  const object = topLevelField(bytes, start, end, "obj");
  if (!object) return null;
  const project = textField(bytes, object.start, object.end, "project_id");
  const name = textField(bytes, object.start, object.end, "object_id");
  return project === undefined || name === undefined ? null : `${type} ${project} ${name}`;
}
