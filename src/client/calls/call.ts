/**
 * A call as `invoke` and reads give it.
 *
 * @module
 */

import type { Summary } from "./summary.ts";

/**
 * A call. `output` and `summary` are absent until it ended; one that was not traced, as there was no
 * client, has no fields at all.
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
  /** The call's id. */
  readonly id: string;
  /** `entity/project`. */
  readonly project_id: string;
  /** The id of the call's trace. */
  readonly trace_id: string;
  /** Id of the call that made this one. */
  readonly parent_id?: string | null;
  /** Ref of the op. */
  readonly op_name: string;
  /** Display name instead of the op's name. */
  readonly display_name?: string | null;
  /** ISO 8601, UTC. */
  readonly started_at: string;
  /** ISO 8601, UTC. */
  readonly ended_at?: string | null;
  /** Custom attributes, and the client's under `weave`. */
  readonly attributes: Record<string, unknown>;
  /** The arguments by name. */
  readonly inputs: Record<string, unknown>;
  /** The call's output. */
  readonly output?: unknown;
  /** Numbers about the call, such as token usage. */
  readonly summary?: Summary | null;
  /** The message of the error that ended the call. */
  readonly exception?: string | null;
  /**
   * Renames the call.
   *
   * @param displayName Shown instead of the op's name; `""` clears it.
   */
  setDisplayName(displayName: string): Promise<void>;
}

/** Most characters of a display name. */
export const MAX_DISPLAY_NAME_LENGTH = 1000;

/** A display name that the server takes: the beginning of a longer one. */
export function clipDisplayName(name: string): string {
  return name.length > MAX_DISPLAY_NAME_LENGTH
    ? `${name.slice(0, MAX_DISPLAY_NAME_LENGTH - 3)}...`
    : name;
}
