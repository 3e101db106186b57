/**
 * Events that a client reports.
 *
 * @module
 */

/**
 * Stable name of an event. A test compares the names with the table in docs/settings.md.
 *
 * @example
 * ```ts
 * import type { WalEventName } from "@weave-wal/client";
 *
 * const urgent: WalEventName[] = ["server-blocked", "dropped", "disk-failed"];
 * if (urgent.length !== 3) throw new Error();
 * ```
 */
export type WalEventName =
  // Settings and opening
  | "init-again"
  | "unknown-variable"
  | "missing-permission"
  | "proxy-unused"
  | "untrusted-directory"
  | "log-on"
  | "mixed-packages"
  | "not-durable"
  | "request-level"
  // Delivery
  | "server-up"
  | "server-down"
  | "server-blocked"
  | "retry"
  | "calls-api"
  | "dead-letter"
  | "recovery"
  | "recovered"
  // The log on disk
  | "dropped"
  | "disk-failed"
  | "disk-recovered"
  | "disk-error"
  | "sync-unsupported"
  | "log-removed"
  // What is recorded
  | "redact-failed"
  | "sample-failed"
  | "op-name"
  | "op-id"
  | "call-not-traced"
  | "call-not-ended"
  | "span-not-recorded"
  | "display-name-failed"
  | "summarize-failed"
  | "summary-failed"
  | "invalid-summary"
  | "reducer-failed"
  | "not-recorded"
  | "evaluation-error"
  | "unfinished-predictions"
  | "score-not-attached"
  // The relay
  | "request-failed";

/**
 * An event. It never contains the API key or traced data.
 *
 * @example
 * ```ts
 * import { finish, init, type WalEvent } from "@weave-wal/client";
 *
 * const onEvent = ({ level, name, message }: WalEvent) => {
 *   if (level === "error") console.error(name, message);
 * };
 * await init("team/project", { disabled: true, onEvent }); // `wal: true` in a program
 * await finish();
 * ```
 */
export interface WalEvent {
  /** Severity. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** Stable name, such as `server-down`. */
  readonly name: WalEventName;
  /** One sentence for people. */
  readonly message: string;
}
