/**
 * Starts and ends of the official SDK's calls, as records.
 *
 * @module
 */

import type { Pipeline } from "../../client/pipeline/pipeline.ts";
import type { Redactor } from "../../client/redaction/redactor.ts";
import { type Json, jsonText } from "../intercept/json_text.ts";

/** Running calls that are remembered at most; the end of an older one goes without its start's facts. */
const MAX_OPEN = 100_000;

/** Fields of the start that an end repeats: the v2 calls API joins the two by them. */
interface OpenCall {
  readonly trace_id: unknown;
  readonly started_at: unknown;
}

/** Writes starts and ends. */
export class CallLog {
  readonly #append: Pipeline["append"];
  readonly #open = new Map<unknown, OpenCall>();

  constructor(append: Pipeline["append"]) {
    this.#append = append;
  }

  /** Appends a start, redacted where it was not before. The SDK's own order of fields begins like this package's: project, id. */
  start(start: Json, redactor?: Redactor): void {
    this.#append("call_start", jsonText({ start }, redactor));
    const { id, trace_id, started_at } = start;
    this.#open.set(id, { trace_id, started_at });
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value);
  }

  /**
   * Appends an end, with fields of its start.
   *
   * The SDK repeats the display name in the end, where the server does not look at it; it keeps one
   * name for all calls of an op that run at a time, so the name may be another call's. It is left
   * out.
   */
  end(end: Json, redactor?: Redactor): void {
    const { project_id, id, display_name: _, ...rest } = end;
    const open = this.#open.get(id);
    this.#open.delete(id);
    this.#append(
      "call_end",
      jsonText({ end: { project_id, id, ...open, ...rest } }, redactor),
    );
  }
}
