/**
 * W&B Weave tracing with a write-ahead log, for Deno, Bun and Node.
 *
 * Every write is appended to a local file before anything is sent; a sender delivers the files to the
 * trace server, including those of killed processes. Set `WEAVE_ENABLE_WAL=true`.
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
export { op } from "./src/client/op/op.ts";
export type { AnyClass, InstanceMaker, OpClass } from "./src/client/op/class_types.ts";
export type {
  AnyFunction,
  CallMethod,
  ChunkOf,
  MethodDecoratorContext,
  Op,
  OpDecorator,
  OpFields,
  OpOptions,
  OutputOf,
  ParameterNamesOption,
  StreamReducer,
} from "./src/client/op/op_types.ts";
export { isOp } from "./src/client/op/op_state.ts";
export { type OpenAIClient, wrapOpenAI } from "./src/client/integrations/wrap_openai.ts";
export type { Call, Call as CallSchema } from "./src/client/calls/call.ts";
export type { CallStackEntry } from "./src/client/calls/call_stack.ts";
export type { Summary } from "./src/client/calls/summary.ts";
export { CallStack, type PushedCall } from "./src/client/calls/call_stack_snapshot.ts";
export { WeaveClient } from "./src/client/weave_client/client.ts";
export type { ClientStats } from "./src/client/weave_client/client_types.ts";
export type { SampleFunction, TraceRoot } from "./src/client/calls/sampling.ts";
export type { Redact } from "./src/client/redaction/redactor.ts";
export type {
  CallRecord,
  ClientCalls,
  ClientSettings,
} from "./src/client/weave_client/client_calls.ts";
export type { CallsFilter, ClientReads } from "./src/client/weave_client/client_reads.ts";
export {
  TRACE_SERVER_ROUTES,
  type TraceServerApi,
  type TraceServerGet,
  type TraceServerParams,
  type TraceServerRequest,
  type TraceServerResponse,
  type TraceServerRoutes,
} from "./src/client/server/trace_server_api.ts";
export type {
  TraceServerBodies,
  TraceServerProblem,
} from "./src/client/server/trace_server_bodies.ts";
export type { TraceServerSchemas } from "./src/client/server/trace_server_schemas.ts";
export type { ClientWrites } from "./src/client/weave_client/client_writes.ts";
export type {
  AnyObject,
  CallEndInput,
  CallHandle,
  CallStartInput,
  FeedbackInput,
  FeedbackReplaceInput,
  TableChange,
} from "./src/client/weave_client/inputs.ts";
export type { Cost } from "./src/protocol/cost.ts";
export type { OtelView } from "./src/protocol/otlp/otel_request.ts";
export type { SavedRef } from "./src/client/global_client.ts";
export { Dataset, type DatasetParameters, type SavedRow } from "./src/client/objects/dataset.ts";
export { Table, type TableReader, type TableRow } from "./src/client/objects/table.ts";
export { WeaveObject, type WeaveObjectParameters } from "./src/client/objects/weave_object.ts";
export {
  DatasetRowRef,
  ObjectRef,
  OpRef,
  TableRef,
  TableRowRef,
} from "./src/client/objects/object_ref.ts";
export {
  type MediaData,
  type WeaveAudio,
  weaveAudio,
  type WeaveImage,
  weaveImage,
} from "./src/client/objects/media.ts";
export { MessagesPrompt, Prompt, StringPrompt } from "./src/client/objects/prompts.ts";
export { Evaluation } from "./src/client/evaluation/evaluation.ts";
export type {
  EvaluatedModel,
  EvaluationParameters,
  EvaluationScorer,
  PredictionResult,
} from "./src/client/evaluation/evaluation_types.ts";
export {
  EvaluationLogger,
  type EvaluationLoggerOptions,
} from "./src/client/evaluation/evaluation_logger.ts";
export { type LoggedPrediction, ScoreLogger } from "./src/client/evaluation/score_logger.ts";
export type { ColumnMapping } from "./src/client/evaluation/column_mapping.ts";
export type {
  ColumnSummary,
  EvaluationSummary,
} from "./src/client/evaluation/summarize_results.ts";
export type { Runnable, WeaveCallable } from "./src/client/evaluation/weave_callable.ts";
export type { InitOptions } from "./src/client/settings/options.ts";
export type { DropCause, ServerStatus } from "./src/client/pipeline/status/counters.ts";
export type { DiskError } from "./src/wal/processes/presence_state.ts";
export type { MetricsFormat } from "./src/metrics/exposition.ts";
export type { Fetch } from "./src/runtime/runtime.ts";
export type { ServerState } from "./src/delivery/http/circuit_breaker.ts";
export type { RetryResult } from "./src/delivery/dead_letters/resend_dead_letters.ts";
export type { LogLevel } from "./src/client/logger.ts";
export type {
  FlushOptions,
  FlushResult,
  FsyncPolicy,
  QuotaPolicy,
  WalStats,
} from "./src/client/pipeline/pipeline.ts";
export type { WalEvent, WalEventName } from "./src/client/pipeline/status/events.ts";
export { WeaveWalError, type WeaveWalErrorCode } from "./src/errors.ts";
