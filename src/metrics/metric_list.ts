/**
 * The metrics: names, types, units, labels, help. This is the only list: `weave-wal status
 * --openmetrics`, `weave-wal flush --follow --metrics`, `client.metrics()` and the table in
 * docs/operations/metrics.md are based on it.
 *
 * Names and units follow the Prometheus conventions: one prefix, base units, `_total` for counters,
 * and times in seconds since the epoch.
 *
 * @module
 */

/** Definition of a metric. */
export interface Metric {
  /** Name of its samples; for a counter it ends in `_total`. */
  readonly name: string;
  readonly type: "gauge" | "counter" | "info";
  /** Base unit, if any; the name then ends in it. */
  readonly unit?: "bytes" | "seconds";
  readonly help: string;
  /** Names of the labels, in order. */
  readonly labels: readonly string[];
}

/** Every label, and a description of its values. */
export const LABELS: Readonly<Record<string, string>> = {
  cause: "why records were dropped, such as `quota-new`; as in `client.stats()`",
  code: "error code of the file system, such as `ENOSPC` or `EROFS`",
  entity: "entity of the project",
  held_by:
    "the process that sends the segment: `writer`, `lease-holder`, `unresponsive` (a process without a " +
    "heartbeat), `nobody`",
  outcome: "`recorded`, `forwarded` to the server, or `refused`",
  process: "process ID and host, such as `4711@web-1`",
  project: "name of the project",
  reason:
    "why a record became a dead letter: `refused` by the server, `unsendable`, `corrupt`, `torn`, `oversize`, `unknown`",
  server: "base URL of the trace server",
  state: "state of a sender (`up`, `down`, `blocked`) or of a writer (`alive`, `unresponsive`, " +
    "`remote`, `dead`, `closed`)",
  status: "HTTP status, such as `503`",
  version: "version of this package",
};

const PROJECT = ["entity", "project"];
const LOG = [...PROJECT, "process"];
const SENDER = ["server", "process"];

/** Short names of metrics, used in the code. */
export type MetricKey =
  | "build"
  | "pendingRecords"
  | "pendingEstimated"
  | "pendingBytes"
  | "oldestPending"
  | "segments"
  | "writers"
  | "deadLetters"
  | "quotaUsed"
  | "quotaLimit"
  | "quotaFull"
  | "appended"
  | "dropped"
  | "memoryRecords"
  | "memoryBytes"
  | "diskFailing"
  | "syncFailing"
  | "senderState"
  | "senderStateSince"
  | "nextAttempt"
  | "delivered"
  | "deadLettered"
  | "lastDelivery";

/** All metrics. */
export const METRICS: Readonly<Record<MetricKey, Metric>> = {
  build: info("weave_wal_build_info", "Version of the program that exports these metrics.", [
    "version",
  ]),
  pendingRecords: gauge(
    "weave_wal_pending_records",
    "Undelivered records on disk.",
    PROJECT,
  ),
  pendingEstimated: gauge(
    "weave_wal_pending_records_estimated",
    "1 if weave_wal_pending_records is an estimate, because counting would read too much; otherwise 0.",
    PROJECT,
  ),
  pendingBytes: gauge(
    "weave_wal_pending_bytes",
    "Bytes of undelivered records on disk.",
    PROJECT,
  ),
  oldestPending: gauge(
    "weave_wal_oldest_pending_timestamp_seconds",
    "Time at which the oldest pending record was written. Absent if nothing is pending.",
    PROJECT,
  ),
  segments: gauge(
    "weave_wal_pending_segments",
    "Segments with pending records, by the process that sends them.",
    [...PROJECT, "held_by"],
  ),
  writers: gauge("weave_wal_writers", "Processes that wrote segments on disk, by state.", [
    ...PROJECT,
    "state",
  ]),
  deadLetters: gauge(
    "weave_wal_dead_letters",
    "Dead letters on disk: records that the server rejected or that are invalid.",
    [...PROJECT, "reason"],
  ),
  quotaUsed: gauge(
    "weave_wal_quota_used_bytes",
    "Disk usage of the project's directory.",
    PROJECT,
  ),
  quotaLimit: gauge(
    "weave_wal_quota_limit_bytes",
    "Maximum disk usage of the project's directory (maxDiskBytes); at the limit, records are dropped.",
    PROJECT,
  ),
  quotaFull: gauge(
    "weave_wal_quota_full_timestamp_seconds",
    "Time at which the limit is reached at the current growth rate. Absent if usage does " +
      "not grow.",
    PROJECT,
  ),
  appended: counter("weave_wal_appended_records_total", "Records that a process appended.", LOG),
  dropped: counter(
    "weave_wal_dropped_records_total",
    "Lost records: dropped because of a limit or a failure.",
    [...LOG, "cause"],
  ),
  memoryRecords: gauge(
    "weave_wal_memory_records",
    "Pending records that exist only in the memory of a process.",
    LOG,
  ),
  memoryBytes: gauge(
    "weave_wal_memory_bytes",
    "Bytes of pending records that exist only in the memory of a process.",
    LOG,
  ),
  diskFailing: gauge(
    "weave_wal_disk_failing",
    "1 while a process cannot write records to disk and keeps them in memory.",
    [...LOG, "code"],
  ),
  syncFailing: gauge(
    "weave_wal_sync_failing",
    "1 if a process cannot fsync its records on disk, so that a crash of the machine may lose them.",
    [...LOG, "code"],
  ),
  senderState: gauge(
    "weave_wal_sender_state",
    "1 for the state of a sender: up, down (the server is unreachable) or blocked (the server " +
      "rejects the key or the requests).",
    [...SENDER, "state"],
  ),
  senderStateSince: gauge(
    "weave_wal_sender_state_since_timestamp_seconds",
    "Time at which the current state of a sender began.",
    SENDER,
  ),
  nextAttempt: gauge(
    "weave_wal_next_attempt_timestamp_seconds",
    "Time of a sender's next attempt. Absent while the server is up.",
    SENDER,
  ),
  delivered: counter(
    "weave_wal_delivered_records_total",
    "Records that a sender delivered.",
    SENDER,
  ),
  deadLettered: counter(
    "weave_wal_dead_lettered_records_total",
    "Records that a sender dead-lettered.",
    SENDER,
  ),
  lastDelivery: gauge(
    "weave_wal_last_delivery_timestamp_seconds",
    "Time at which a sender last delivered records. Absent before the first delivery.",
    SENDER,
  ),
};

/** Short names of relay metrics, used in the code. */
export type RelayMetricKey =
  | "requests"
  | "records"
  | "refused"
  | "unreachable"
  | "active"
  | "buffered";

/** Metrics of `weave-wal relay`. */
export const RELAY_METRICS: Readonly<Record<RelayMetricKey, Metric>> = {
  requests: counter("weave_wal_relay_requests_total", "Requests to a relay.", ["outcome"]),
  records: counter("weave_wal_relay_records_total", "Records that a relay has accepted.", []),
  refused: counter(
    "weave_wal_relay_refused_requests_total",
    "Requests that a relay refused, by HTTP status: 503 at a quota or a limit, 401 without a token.",
    ["status"],
  ),
  unreachable: counter(
    "weave_wal_relay_unreachable_requests_total",
    "Requests that a relay could not forward because the server did not respond.",
    [],
  ),
  active: gauge("weave_wal_relay_active_requests", "Requests in progress at a relay.", []),
  buffered: gauge(
    "weave_wal_relay_buffered_bytes",
    "Bytes of requests in a relay's memory.",
    [],
  ),
};

function gauge(name: string, help: string, labels: readonly string[]): Metric {
  return metric("gauge", name, help, labels);
}

function counter(name: string, help: string, labels: readonly string[]): Metric {
  return metric("counter", name, help, labels);
}

function info(name: string, help: string, labels: readonly string[]): Metric {
  return metric("info", name, help, labels);
}

function metric(
  type: Metric["type"],
  name: string,
  help: string,
  labels: readonly string[],
): Metric {
  const unit = /_(bytes|seconds)$/.exec(name)?.[1] as Metric["unit"];
  return { name, type, ...(unit === undefined ? {} : { unit }), help, labels };
}
