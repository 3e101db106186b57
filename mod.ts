/**
 * W&B Weave tracing with a write-ahead log, for Deno, Bun and Node.
 *
 * Every write is appended to a local file before anything is sent; a sender ships the files to the
 * trace server, also what a killed process left behind. Set `WEAVE_ENABLE_WAL=true`.
 *
 * @example
 * ```ts
 * import { op } from "@weave-wal/client";
 *
 * // Traced once `await init("team/project")` has been called; a plain function before.
 * const greet = op(function greet(name: string) {
 *   return `Hello ${name}`;
 * });
 * if (greet("Ada") !== "Hello Ada") throw new Error("An op returns what its function returns");
 * ```
 *
 * @module
 */

export {
  finish,
  flush,
  init,
  publish,
  requireCurrentCallStackEntry,
  requireCurrentChildSummary,
  withAttributes,
} from "./src/client/init.ts";
export { login } from "./src/client/login.ts";
export { op } from "./src/client/op.ts";
export {
  type AnyFunction,
  type CallMethod,
  type ChunkOf,
  isOp,
  type MethodDecoratorContext,
  type Op,
  type OpDecorator,
  type OpFields,
  type OpOptions,
  type ParameterNamesOption,
  type StreamReducer,
} from "./src/client/op_types.ts";
export type { Call, Call as CallSchema } from "./src/client/call.ts";
export type { CallStackEntry } from "./src/client/call_stack.ts";
export type { Summary } from "./src/client/summary.ts";
export { WeaveClient } from "./src/client/client.ts";
export type { CallsFilter, ClientReads } from "./src/client/client_reads.ts";
export type { ClientWrites } from "./src/client/client_writes.ts";
export type {
  AnyObject,
  CallEndInput,
  CallHandle,
  CallStartInput,
  FeedbackInput,
  FeedbackReplaceInput,
  TableChange,
} from "./src/client/write_inputs.ts";
export type { Cost } from "./src/weave/requests.ts";
export type { SavedRef } from "./src/client/global_client.ts";
export { Dataset, type DatasetParameters } from "./src/client/dataset.ts";
export { Table, type TableRow } from "./src/client/table.ts";
export { WeaveObject, type WeaveObjectParameters } from "./src/client/weave_object.ts";
export { DatasetRowRef, ObjectRef, OpRef, TableRef, TableRowRef } from "./src/client/object_ref.ts";
export {
  type MediaData,
  type WeaveAudio,
  weaveAudio,
  type WeaveImage,
  weaveImage,
} from "./src/client/media.ts";
export { MessagesPrompt, Prompt, StringPrompt } from "./src/client/prompts.ts";
export type { InitOptions } from "./src/client/options.ts";
export type { DropCause, ServerStatus } from "./src/client/pipeline_ledger.ts";
export type { Fetch } from "./src/runtime/runtime.ts";
export type { ServerState } from "./src/delivery/gate.ts";
export type { RetryResult } from "./src/delivery/retry_dead_letters.ts";
export type { LogLevel } from "./src/client/logger.ts";
export type {
  FlushOptions,
  FlushResult,
  FsyncPolicy,
  PipelineEvent,
  PipelineStats,
  QuotaPolicy,
} from "./src/client/pipeline.ts";
export { WeaveWalError, type WeaveWalErrorCode } from "./src/errors.ts";
