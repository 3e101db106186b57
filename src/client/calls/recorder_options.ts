/**
 * Dependencies of a call recorder.
 *
 * @module
 */

import type { Ids } from "../../protocol/ids.ts";
import type { Logger } from "../logger.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Redactor } from "../redaction/redactor.ts";
import type { SaveText } from "../op/large_values.ts";
import type { OpState } from "../op/op_state.ts";
import type { Sampler } from "./sampling.ts";

/** Dependencies of a call recorder. */
export interface RecorderOptions {
  /** `entity/project`. */
  readonly projectId: string;
  readonly append: Pipeline["append"];
  readonly ids: Ids;
  /** Returns the JSON text of a value, after saving objects that it refers to. Never throws. */
  readonly toText: (value: unknown, maxChars?: number, field?: string) => string;
  readonly redactor: Redactor;
  readonly sampler: Sampler;
  /** Saves already redacted text as a file; returns its digest. */
  readonly saveText: SaveText;
  /** Saves an op, and returns the JSON text of its ref. */
  readonly saveOp: (state: OpState) => string;
  /** Attributes of every call. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Called for every call without a parent. */
  readonly onRootCall: ((callId: string) => void) | undefined;
  readonly logger: Logger;
}
