/**
 * Events that a client reports while it works.
 *
 * @module
 */

/** Stable name of an event. A test compares these names with the table in docs/settings.md. */
export type WalEventName =
  // Settings and opening
  | "init-again"
  | "unknown-variable"
  | "missing-grant"
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
  | "score-not-attached";

/** An event. It never contains the API key or traced data. */
export interface WalEvent {
  /** Severity. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** Stable name, such as `server-down`. */
  readonly name: WalEventName;
  /** One sentence for people. */
  readonly message: string;
}
