/**
 * The calls of one writer that have begun and not ended, as its records tell.
 *
 * Records are folded in the order in which they were written. What is left at the end of the stream of
 * a dead writer was cut off, and gets an end that says so.
 *
 * @module
 */

import { listFields, topLevelField } from "../../bytes/json_fields.ts";
import type { BatchRecord } from "../record/record_batch.ts";
import { RECORD_PREFIX, RECORD_SUFFIX } from "../record/record.ts";

/** The error of a call that was cut off. */
export const INTERRUPTED = "Interrupted: the process ended before it recorded the end of this call";

/** A call that has begun. */
interface OpenCall {
  readonly id: string;
  readonly project: string;
  readonly trace: string;
  readonly parent: string | null;
  readonly startedAt: string;
  /** Descendants that have ended, by status. */
  success: number;
  error: number;
}

const decoder = new TextDecoder();
const ranges: number[] = [];

/** Calls that have begun and not ended, in the order of their starts. */
export class OpenCalls {
  readonly #calls = new Map<string, OpenCall>();
  #lastRecord = 0;

  /** Number of calls. */
  get size(): number {
    return this.#calls.size;
  }

  /** When the last record that tells its time was written, epoch ms; 0 if none did. */
  get lastRecord(): number {
    return this.#lastRecord;
  }

  /** Takes the next record of the writer into account. */
  fold({ type, bytes, start, end }: BatchRecord): void {
    if (type === "calls_delete") return this.#delete(bytes, start, end);
    if (type !== "call_start" && type !== "call_end") return;
    const inner = topLevelField(bytes, start, end, type === "call_start" ? "start" : "end");
    if (!inner) return;
    const fields = textFields(bytes, inner.start, inner.end);
    if (fields.id === undefined) return;
    if (type === "call_start") this.#begin(fields);
    else this.#end(fields, () => countsOf(bytes, inner.start, inner.end));
  }

  #begin({ id, project_id, trace_id, parent_id, started_at }: TextFields): void {
    this.#noteTime(started_at);
    // Such a call has no end that the server would take.
    if (project_id === undefined || trace_id === undefined || started_at === undefined) return;
    this.#calls.set(id!, {
      id: id!,
      project: project_id,
      trace: trace_id,
      parent: parent_id ?? null,
      startedAt: started_at,
      success: 0,
      error: 0,
    });
  }

  #end({ id, ended_at, exception }: TextFields, counts: () => Counts | null): void {
    this.#noteTime(ended_at);
    const call = this.#calls.get(id!);
    if (call === undefined) return;
    this.#calls.delete(id!);
    const parent = this.#calls.get(call.parent ?? "");
    if (parent === undefined) return;
    const isError = exception !== undefined;
    const own = counts() ?? { success: isError ? 0 : 1, error: isError ? 1 : 0 };
    parent.success += own.success;
    parent.error += own.error;
  }

  #delete(bytes: Uint8Array, start: number, end: number): void {
    try {
      const request = JSON.parse(decoder.decode(bytes.subarray(start, end))) as {
        call_ids: readonly string[];
      };
      for (const id of request.call_ids) this.#calls.delete(id);
    } catch {
      // The server cannot read it either.
    }
  }

  #noteTime(text: string | undefined): void {
    const time = Date.parse(text ?? "");
    if (!Number.isNaN(time)) this.#lastRecord = time;
  }

  /** Lines from which {@linkcode OpenCalls.read} makes the same calls. */
  toLines(): string {
    const head = JSON.stringify({ lastRecord: this.#lastRecord });
    return [head, ...[...this.#calls.values()].map((call) => JSON.stringify(call))]
      .map((line) => `${line}\n`).join("");
  }

  /** @throws when the lines are not whole. */
  static read(lines: string): OpenCalls {
    const [head, ...rest] = lines.split("\n");
    if (rest.pop() !== "") throw new SyntaxError("Cannot read open calls: a line is torn");
    const open = new OpenCalls();
    open.#lastRecord = Number((JSON.parse(head) as { lastRecord: number }).lastRecord);
    for (const line of rest) {
      const call = JSON.parse(line) as OpenCall;
      open.#calls.set(call.id, call);
    }
    return open;
  }

  /**
   * The records that end all calls, children first, so that they count in their parents. The same
   * calls and time make the same bytes.
   *
   * @param at When the writer last gave a sign of life, epoch ms.
   */
  ends(at: number): string {
    let lines = "";
    for (const call of [...this.#calls.values()].reverse()) {
      const error = call.error + 1;
      const parent = this.#calls.get(call.parent ?? "");
      if (parent !== undefined) {
        parent.success += call.success;
        parent.error += error;
      }
      const end = {
        project_id: call.project,
        id: call.id,
        trace_id: call.trace,
        started_at: call.startedAt,
        ended_at: Date.parse(call.startedAt) >= at ? call.startedAt : timestamp(at),
        exception: INTERRUPTED,
        output: null,
        summary: { status_counts: { success: call.success, error } },
      };
      lines += RECORD_PREFIX.call_end + JSON.stringify({ end }) + RECORD_SUFFIX;
    }
    return lines;
  }
}

interface Counts {
  readonly success: number;
  readonly error: number;
}

const NAMES = [
  "id",
  "project_id",
  "trace_id",
  "parent_id",
  "started_at",
  "ended_at",
  "exception",
] as const;
const ENCODED = NAMES.map((name) => new TextEncoder().encode(name));

/** The fields of a call that are texts. */
type TextFields = { [Name in typeof NAMES[number]]?: string };

function textFields(bytes: Uint8Array, start: number, end: number): TextFields {
  const found: TextFields = {};
  listFields(bytes, start, end, ranges);
  for (let at = 0; at < ranges.length; at += 4) {
    if (bytes[ranges[at + 2]] !== 0x22) continue;
    const index = nameAt(bytes, ranges[at] + 1, ranges[at + 1] - 1);
    if (index === -1) continue;
    try {
      const text = decoder.decode(bytes.subarray(ranges[at + 2], ranges[at + 3]));
      found[NAMES[index]] = JSON.parse(text) as string;
    } catch {
      // As if it were not there.
    }
  }
  return found;
}

function nameAt(bytes: Uint8Array, start: number, end: number): number {
  return ENCODED.findIndex((name) =>
    name.length === end - start && name.every((byte, index) => bytes[start + index] === byte)
  );
}

/** The status counts in the summary of an end; `null` if it has none. */
function countsOf(bytes: Uint8Array, start: number, end: number): Counts | null {
  const summary = topLevelField(bytes, start, end, "summary");
  const counts = summary && topLevelField(bytes, summary.start, summary.end, "status_counts");
  if (!counts) return null;
  try {
    const text = decoder.decode(bytes.subarray(counts.start, counts.end));
    const { success, error } = JSON.parse(text) as Counts;
    return Number.isInteger(success) && Number.isInteger(error) ? { success, error } : null;
  } catch {
    return null;
  }
}

/** The time as calls have it: UTC, with six digits behind the point. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
