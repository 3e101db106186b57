/**
 * Records starts and ends of the official SDK's calls.
 *
 * @module
 */

import type { Pipeline } from "../../client/pipeline/pipeline.ts";
import type { Redactor } from "../../client/redaction/redactor.ts";
import { type Json, jsonText } from "../intercept/json_text.ts";
import { dropsChild, isUnsampled } from "./unsampled_calls.ts";

/**
 * Maximum number of running calls to cache; the end of an older one is recorded without data of its
 * start.
 */
const MAX_OPEN = 100_000;

/** Fields of the start that an end repeats: the v2 calls API joins the two by them. */
interface OpenCall {
  readonly trace_id: unknown;
  readonly started_at: unknown;
}

/** Records starts and ends. */
export class CallLog {
  readonly #append: Pipeline["append"];
  readonly #open = new Map<unknown, OpenCall>();

  constructor(append: Pipeline["append"]) {
    this.#append = append;
  }

  /**
   * Appends a start, and redacts it if that was not done yet. The SDK's order of fields begins like
   * this package's: project, ID.
   */
  start(start: Json, redactor?: Redactor): void {
    if (dropsChild(start.id, start.parent_id)) return;
    this.#append("call_start", jsonText({ start }, redactor));
    const { id, trace_id, started_at } = start;
    this.#open.set(id, { trace_id, started_at });
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value);
  }

  /**
   * Appends an end, with fields of its start.
   *
   * The SDK repeats the display name in the end, where the server ignores it. It keeps one name for
   * all concurrent calls of an op, so the name may be another call's. It is removed.
   */
  end(end: Json, redactor?: Redactor): void {
    const { project_id, id, display_name: _, ...rest } = end;
    if (isUnsampled(id)) return;
    const open = this.#open.get(id);
    this.#open.delete(id);
    this.#append(
      "call_end",
      jsonText({ end: { project_id, id, ...open, ...rest } }, redactor),
    );
  }
}
