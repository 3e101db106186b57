/**
 * Checks whether every call arrived.
 *
 * @module
 */

import type { CallRecord } from "../mock_server/store/call_store.ts";
import type { MockServer } from "../mock_server/serve.ts";
import type { FoundFile } from "./folders.ts";
import { opNameOf } from "./trace_tree.ts";
import type { SeenCall } from "./traced_program.ts";

/** Result of the demo. */
export interface Outcome {
  /** Whether every call arrived, the log is empty and the second process ended with code 0. */
  readonly ok: boolean;
  /** Number of calls that the program saw finish, in both processes. */
  readonly seen: number;
  /** Number of these calls that are complete at the server. */
  readonly arrived: number;
  /** Calls that are not complete at the server. */
  readonly missing: readonly SeenCall[];
  /** Files that are left in the log directory. */
  readonly leftover: readonly string[];
  /** Number of calls of the first process that reached the server after it was dead. */
  readonly fromTheLog: number;
  /** Number of calls that the program saw throw. */
  readonly failed: number;
  /** Number of calls that were running at the kill: the server has their starts but no ends. */
  readonly cutOff: number;
  /** Number of parts of calls that were sent more than once; the server counts them once. */
  readonly sentTwice: number;
  /** Exit code of the second process. */
  readonly exitCode: number | null;
}

/** Input of the result. */
export interface OutcomeInput {
  readonly server: MockServer;
  readonly calls: readonly CallRecord[];
  readonly seen: readonly SeenCall[];
  readonly fromTheLog: ReadonlySet<string>;
  readonly leftover: readonly FoundFile[];
  readonly exitCode: number | null;
}

/** Compares the calls that the program saw finish with those at the server. */
export function checkOutcome(input: OutcomeInput): Outcome {
  const { server, calls, seen, fromTheLog, leftover, exitCode } = input;
  const byId = new Map(calls.map((call) => [call.id, call]));
  const missing = seen.filter((call) => !isWhole(call, byId.get(call.id)));
  const { duplicateStarts, duplicateEnds, duplicateCompletes } = server.store.counts;
  return {
    ok: seen.length > 0 && missing.length === 0 && leftover.length === 0 && exitCode === 0,
    seen: seen.length,
    arrived: seen.length - missing.length,
    missing,
    leftover: leftover.map(({ name }) => name),
    fromTheLog: fromTheLog.size,
    failed: seen.filter(({ ok }) => !ok).length,
    cutOff: calls.filter(({ ended_at }) => ended_at === null).length,
    sentTwice: duplicateStarts + duplicateEnds + duplicateCompletes,
    exitCode,
  };
}

/** Whether the server has this call with its start, its end and, if it threw, its error. */
export function isWhole(seen: SeenCall, call: CallRecord | null | undefined): boolean {
  return call != null && call.started_at !== null && call.ended_at !== null &&
    opNameOf(call) === seen.op && (call.exception === null) === seen.ok;
}
