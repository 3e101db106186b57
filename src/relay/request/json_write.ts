/**
 * A write with a JSON body, as recorded.
 *
 * @module
 */

import type { JsonObject } from "./json_source.ts";

/** A write with a JSON body. */
export interface JsonWrite {
  readonly body: JsonObject;
  /** `entity/project` in the path; `undefined` if it contains none. */
  readonly pathProject: string | undefined;
  /** The body's text, on one line. */
  readonly text: string;
  /**
   * Whether secrets in it were replaced. Digests computed by the caller are then those of another
   * value.
   */
  readonly isRedacted: boolean;
}
