/**
 * A call as `invoke` and reads give it.
 *
 * @module
 */

import type { Summary } from "./summary.ts";

/** A call. Fields stay absent until they are known; `output` and `summary` until the call ended. */
export interface Call {
  readonly id?: string;
  readonly project_id?: string;
  readonly trace_id?: string;
  readonly parent_id?: string | null;
  /** Ref of the op. */
  readonly op_name?: string;
  readonly display_name?: string | null;
  /** ISO 8601, UTC. */
  readonly started_at?: string;
  /** ISO 8601, UTC. */
  readonly ended_at?: string | null;
  readonly attributes?: Record<string, unknown>;
  readonly inputs?: Record<string, unknown>;
  readonly output?: unknown;
  readonly summary?: Summary | null;
  /** The message of the error that ended the call. */
  readonly exception?: string | null;
  /** Renames the call. */
  setDisplayName(displayName: string): Promise<void>;
}

/** Most characters of a display name. */
export const MAX_DISPLAY_NAME_LENGTH = 1000;

/** A display name that the server takes. */
export function clipDisplayName(name: string): string {
  return name.length > MAX_DISPLAY_NAME_LENGTH
    ? `${name.slice(0, MAX_DISPLAY_NAME_LENGTH - 3)}...`
    : name;
}
