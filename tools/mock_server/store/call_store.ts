/**
 * The calls on the mock server: starts and ends of the v1 tables merged by ID; rows of the v2 table
 * by project, `started_at` and ID. A v2 row that was written twice is two until the table merges.
 *
 * @module
 */

import type { CallCounts } from "./counts.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;

/** A call as returned by reads. */
export interface CallRecord {
  id: string;
  project_id: string;
  op_name: string | null;
  display_name: string | null;
  trace_id: string | null;
  parent_id: string | null;
  thread_id: string | null;
  turn_id: string | null;
  started_at: string | null;
  attributes: Json;
  inputs: Json;
  ended_at: string | null;
  exception: string | null;
  output: unknown;
  summary: Json | null;
  wb_user_id: string | null;
  wb_run_id: string | null;
  wb_run_step: number | null;
  wb_run_step_end: number | null;
  deleted_at: string | null;
}

interface Row {
  start: Json | null;
  end: Json | null;
  /** The last complete call. */
  whole?: Json;
  displayName?: string | null;
  deletedAt?: string;
  /** Other rows of the v2 table with the same key, until it merges. */
  unmerged?: Pick<Row, "start" | "end">[];
  /** Another row of the v2 table with the same ID and a different `started_at`. */
  next?: Row;
}

const START_FACTS = ["id", "project_id", "op_name", "trace_id", "parent_id", "started_at"];
const END_FACTS = ["id", "project_id", "ended_at", "exception"];
const COMPLETE_FACTS = [...new Set([...START_FACTS, ...END_FACTS])];

/** All calls of one project. */
export class ProjectCalls {
  readonly #rows: Map<string, Row> = new Map();
  readonly #counts: CallCounts;
  readonly #keepBodies: boolean;
  #size = 0;
  #finished = 0;

  /**
   * @param counts Counters to increment. @param keepBodies If `false`, only IDs, names
   * and times are kept.
   */
  constructor(counts: CallCounts, keepBodies: boolean) {
    this.#counts = counts;
    this.#keepBodies = keepBodies;
  }

  /** Number of calls, without deleted ones. */
  get size(): number {
    return this.#size;
  }

  /** Number of these with both a start and an end. */
  get finished(): number {
    return this.#finished;
  }

  /** v1: a start, before or after its end. */
  start(start: Json): void {
    this.#counts.callStarts++;
    const row = this.#rows.get(start.id as string) ?? this.#addRow(start.id as string);
    if (start.display_name != null) delete row.displayName;
    this.#put(row, "start", this.#slim(start, START_FACTS), "Starts");
  }

  /** v1: an end; its start may follow. */
  end(end: Json): void {
    this.#counts.callEnds++;
    const row = this.#rows.get(end.id as string) ?? this.#addRow(end.id as string);
    this.#put(row, "end", this.#slim(end, END_FACTS), "Ends");
  }

  /** v2: the start of a call; one that has ended runs again. */
  startV2(start: Json): void {
    this.#counts.callStarts++;
    const row = this.#rowOf(start.id as string, start.started_at as string) ??
      this.#addRow(start.id as string);
    this.#keepUnmerged(row);
    this.#put(row, "start", this.#slim(start, START_FACTS), "Starts");
    this.#change(row, () => row.end = null);
  }

  /** v2: the end of a running call, found by its ID; returns `false` if there is none. */
  endV2(end: Json): boolean {
    this.#counts.callEnds++;
    const id = end.id as string;
    const found = this.#rowOf(id, end.started_at as string) ?? this.#rows.get(id);
    if (found?.start == null) {
      this.#counts.orphanEnds++;
      return false;
    }
    const slim = this.#slim(end, END_FACTS);
    this.#put(found, "end", slim, "Ends");
    for (const row of found.unmerged ?? []) row.end = slim;
    return true;
  }

  /** v2: a complete call, in a project that keeps its calls in this table. */
  complete(call: Json, table: "v1" | "complete"): void {
    this.#counts.callCompletes++;
    const row = this.#rowOf(call.id as string, call.started_at as string) ??
      this.#addRow(call.id as string);
    const whole = this.#slim(call, COMPLETE_FACTS);
    if (table === "complete") this.#keepUnmerged(row);
    // A row of a call that was running is not a duplicate: this is its first end.
    if (row.start === row.end) this.#compare(row.start, whole, "Completes", isEqual);
    this.#change(row, () => row.whole = row.start = row.end = whole);
    if (table === "complete" || call.display_name != null) delete row.displayName;
  }

  /**
   * Renames a call; `""` removes the name.
   *
   * @param options `early`: whether the name is kept for a call that arrives later.
   */
  rename(id: string, displayName: string, options: { early: boolean }): void {
    this.#counts.callUpdates++;
    if (options.early && !this.#rows.has(id)) this.#addRow(id);
    for (let row = this.#rows.get(id); row; row = row.next) {
      row.displayName = displayName === "" ? null : displayName;
    }
  }

  /** Merges the v2 table: of rows with the same key, the last one written stays. */
  merge(): void {
    for (const first of this.#rows.values()) {
      for (let row: Row | undefined = first; row; row = row.next) delete row.unmerged;
    }
  }

  /** Deletes calls and their descendants; returns their number. */
  delete(ids: readonly string[], at: string): number {
    const wanted = new Set(ids);
    let deleted = 0;
    for (let grew = true; grew;) {
      grew = false;
      for (const row of this.#live()) {
        const { id, parent_id: parent } = (row.start ?? row.end) as Record<string, string | null>;
        if (!wanted.has(id!) && !(parent && wanted.has(parent))) continue;
        wanted.add(id!);
        this.#change(row, () => row.deletedAt = at);
        deleted++;
        grew = true;
      }
    }
    this.#counts.callDeletes += deleted;
    return deleted;
  }

  /** A call; `null` if it does not exist or was deleted. */
  get(id: string): CallRecord | null {
    const row = this.#rows.get(id);
    return row && isLive(row) ? view(row) : null;
  }

  /** All calls, without deleted ones, in order of arrival, as after a merge. */
  *list(): Generator<CallRecord> {
    for (const row of this.#live()) yield view(row);
  }

  /** All rows returned by a query: those of `list()`, and unmerged ones of the v2 table. */
  *listRows(): Generator<CallRecord> {
    for (const row of this.#live()) {
      if (!row.start) continue;
      yield view(row);
      for (const older of row.unmerged ?? []) yield view({ ...row, ...older });
    }
  }

  *#live(): Generator<Row> {
    for (const first of this.#rows.values()) {
      for (let row: Row | undefined = first; row; row = row.next) if (isLive(row)) yield row;
    }
  }

  #addRow(id: string): Row {
    const row: Row = { start: null, end: null };
    const first = this.#rows.get(id);
    if (first === undefined) this.#rows.set(id, row);
    else {
      row.next = first.next;
      first.next = row;
    }
    return row;
  }

  /** The row of the v2 table with this key, or one without a start. */
  #rowOf(id: string, startedAt: string): Row | null {
    for (let row = this.#rows.get(id); row; row = row.next) {
      if (row.start === null || row.start.started_at === startedAt) return row;
    }
    return null;
  }

  #keepUnmerged(row: Row): void {
    if (row.start) (row.unmerged ??= []).push({ start: row.start, end: row.end });
  }

  #put(row: Row, part: "start" | "end", value: Json, kind: "Starts" | "Ends"): void {
    // Of a complete call, a start or an end repeats a part.
    const isSame = row[part] === row.whole ? isPart : isEqual;
    this.#compare(row[part], value, kind, isSame);
    this.#change(row, () => row[part] = value);
  }

  #compare(
    before: Json | null,
    now: Json,
    kind: "Starts" | "Ends" | "Completes",
    isSame: (now: Json, before: Json) => boolean,
  ): void {
    if (before === null) return;
    if (isSame(now, before)) this.#counts[`duplicate${kind}`]++;
    else this.#counts.conflicts++;
  }

  #change(row: Row, change: () => void): void {
    this.#tally(row, -1);
    change();
    this.#tally(row, 1);
  }

  #tally(row: Row, by: 1 | -1): void {
    if (!isLive(row)) return;
    this.#size += by;
    if (row.start && row.end) this.#finished += by;
  }

  #slim(value: Json, facts: readonly string[]): Json {
    if (this.#keepBodies) return value;
    const slim: Json = {};
    for (const name of facts) if (value[name] != null) slim[name] = value[name];
    return slim;
  }
}

function isEqual(one: Json, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether `whole` has all fields of `part`, with the same values. */
function isPart(part: Json, whole: Json): boolean {
  return Object.entries(part).every(([name, value]) =>
    JSON.stringify(value) === JSON.stringify(whole[name])
  );
}

// A rename creates a row if its call has not arrived yet; this row does not count as a call.
function isLive(row: Row): boolean {
  return row.deletedAt === undefined && (row.start ?? row.end) !== null;
}

function view({ start, end, displayName, deletedAt }: Row): CallRecord {
  const at = <T>(part: Json | null, name: string) => (part?.[name] ?? null) as T | null;
  return {
    id: at<string>(start ?? end, "id")!,
    project_id: at<string>(start ?? end, "project_id")!,
    op_name: at(start, "op_name"),
    display_name: displayName === undefined ? at(start, "display_name") : displayName,
    trace_id: at(start, "trace_id"),
    parent_id: at(start, "parent_id"),
    thread_id: at(start, "thread_id"),
    turn_id: at(start, "turn_id"),
    started_at: at(start, "started_at"),
    attributes: at(start, "attributes") ?? {},
    inputs: at(start, "inputs") ?? {},
    ended_at: at(end, "ended_at"),
    exception: at(end, "exception"),
    output: at(end, "output"),
    summary: at(end, "summary"),
    wb_user_id: null,
    wb_run_id: at(start, "wb_run_id"),
    wb_run_step: at(start, "wb_run_step"),
    wb_run_step_end: at(end, "wb_run_step_end"),
    deleted_at: deletedAt ?? null,
  };
}
