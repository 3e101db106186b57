/**
 * A call, as `invoke` and reads return it.
 *
 * @module
 */

import type { Summary } from "./summary.ts";

/**
 * A call. `output` and `summary` are absent until it has ended. A call that was not traced, because
 * there was no client, has no fields.
 *
 * @example
 * ```ts
 * import { type Call, op } from "@weave-wal/client";
 *
 * const length = op((text: string) => text.length, { name: "length" });
 * const [result, call]: [number, Call] = await length.invoke("four");
 * if (result !== 4) throw new Error(`Call ${call.id} returned ${result}`);
 * ```
 */
export interface Call {
  /** ID of the call. */
  readonly id: string;
  /** `entity/project`. */
  readonly project_id: string;
  /** ID of the call's trace. */
  readonly trace_id: string;
  /** ID of the parent call. */
  readonly parent_id?: string | null;
  /** Ref of the op. */
  readonly op_name: string;
  /** Display name, shown instead of the op's name. */
  readonly display_name?: string | null;
  /** Start time, ISO 8601, UTC. */
  readonly started_at: string;
  /** End time, ISO 8601, UTC. */
  readonly ended_at?: string | null;
  /** Custom attributes; those of the client are under `weave`. */
  readonly attributes: Record<string, unknown>;
  /** The arguments by name. */
  readonly inputs: Record<string, unknown>;
  /** The output. */
  readonly output?: unknown;
  /** Numbers about the call, such as token usage. */
  readonly summary?: Summary | null;
  /** The message of the error that ended the call. */
  readonly exception?: string | null;
  /** ID of the user who recorded the call; set by the server. */
  readonly wb_user_id?: string | null;
  /** ID of the W&B run. */
  readonly wb_run_id?: string | null;
  /** Time at which the call was deleted, ISO 8601, UTC. */
  readonly deleted_at?: string | null;
  /**
   * Renames the call.
   *
   * @param displayName Name to show instead of the op's name; `""` clears it.
   */
  setDisplayName(displayName: string): Promise<void>;
}

/** Maximum characters of a display name. */
const MAX_DISPLAY_NAME_LENGTH = 1000;

/** Truncates a display name to the length that the server accepts. */
export function clipDisplayName(name: string): string {
  return name.length > MAX_DISPLAY_NAME_LENGTH
    ? `${name.slice(0, MAX_DISPLAY_NAME_LENGTH - 3)}...`
    : name;
}
