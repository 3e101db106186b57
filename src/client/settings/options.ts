/**
 * Options that a user may set in code.
 *
 * @module
 */

import type { Fetch, Runtime } from "../../runtime/runtime.ts";
import type { LogLevel } from "../logger.ts";
import type { SampleFunction } from "../calls/sampling.ts";
import type { WalEvent } from "../pipeline/status/events.ts";
import type { FsyncPolicy, QuotaPolicy } from "../pipeline/pipeline.ts";

/**
 * Options for `init`. Precedence: environment variable, option in code, `weave.jsonc` in the
 * working directory, default. Sizes are in bytes, times in ms.
 *
 * `weave.jsonc` can set all options except `apiKey`, `allowHttp`, `redactDefaults` and functions. A
 * server that is only set there gets no API key from another source.
 *
 * @example
 * ```ts
 * import { finish, init, type InitOptions } from "@weave-wal/client";
 *
 * const options: InitOptions = { wal: true, fsync: "interval", lingerMs: 200 };
 * await init("team/project", { ...options, disabled: true }); // Nothing is recorded if disabled.
 * await finish();
 * ```
 */
export interface InitOptions {
  /** API key of the W&B account. Environment: `WANDB_API_KEY`. Default: from `~/.netrc`. */
  apiKey?: string;
  /** URL of the trace server. Environment: `WF_TRACE_SERVER_URL`. Default: that of `baseUrl`. */
  serverUrl?: string;
  /**
   * URL of the W&B server. Environment: `WANDB_BASE_URL`. Default: from `~/.config/wandb/settings`.
   */
  baseUrl?: string;
  /**
   * Hosts (with or without a port) for which plain `http` is allowed; it always is for loopback.
   * Environment: `WEAVE_WAL_ALLOW_HTTP`, comma-separated. Default: none.
   */
  allowHttp?: readonly string[];
  /** Makes every op a plain function call. Environment: `WEAVE_DISABLED`. Default `false`. */
  disabled?: boolean;
  /**
   * Prints a link to every root call to standard error. Environment: `WEAVE_PRINT_CALL_LINK`.
   * Default: only if standard error is a terminal.
   */
  printCallLink?: boolean;
  /** Minimum log level. Environment: `WEAVE_LOG_LEVEL`. Default `"info"`. */
  logLevel?: LogLevel;
  /** Attributes of every call. Default: none. */
  globalAttributes?: Record<string, unknown>;
  /** Writes every record to disk first. Environment: `WEAVE_ENABLE_WAL`. Default `false`. */
  wal?: boolean;
  /**
   * Whether this process sends. Environment: `WEAVE_DISABLE_WAL_SENDER` (negated). Default `true`.
   */
  sender?: boolean;
  /**
   * Root directory of the logs. Environment: `WEAVE_WAL_DIR`. Default `.weave/wal` in the working
   * directory.
   */
  walDir?: string;
  /** When records are synced to stable storage. Default `"interval"`. */
  fsync?: FsyncPolicy;
  /** Ms between data syncs with `"interval"`. Default 500. */
  fsyncIntervalMs?: number;
  /** Number of records after which a data sync begins with `"interval"`. Default 64. */
  fsyncRecords?: number;
  /** Bytes after which a new log file is created. Default 64 MiB. */
  segmentBytes?: number;
  /** Maximum bytes of one project's logs. Default 10 GiB. */
  maxDiskBytes?: number;
  /** Policy for a record that exceeds the disk quota. Default `"drop-new"`. */
  quotaPolicy?: QuotaPolicy;
  /** Maximum bytes of the memory log. Default 64 MiB. */
  maxMemoryBytes?: number;
  /**
   * Maximum number of records in the memory log. Environment: `WEAVE_MAX_CALLS_QUEUE_SIZE`. Default
   * 100,000; 0: no limit.
   */
  maxMemoryRecords?: number;
  /** Maximum bytes in one batch of calls. Default 4 MiB, at most 31 MiB. */
  batchBytes?: number;
  /** Maximum number of records in one batch of calls. Default 1000. */
  batchRecords?: number;
  /** Ms to wait for more records before a small batch is sent. Default 200. */
  lingerMs?: number;
  /**
   * Timeout in ms of one HTTP attempt. Environment: `WEAVE_HTTP_TIMEOUT` (in s). Default 30,000.
   */
  timeoutMs?: number;
  /**
   * Maximum ms between two attempts. Environment: `WEAVE_RETRY_MAX_INTERVAL` (in s). Default
   * 300,000.
   */
  retryMaxMs?: number;
  /**
   * Sends complete calls if the server supports that. Environment: `WEAVE_USE_CALLS_COMPLETE`.
   * Default `true`.
   */
  useCallsComplete?: boolean;
  /** Maximum ms of the final drain at a normal exit. Default 2000. */
  exitDrainMs?: number;
  /**
   * Delivers records on SIGTERM and SIGINT, for at most `exitDrainMs`, and forwards the signal: the
   * program ends with the signal's status, unless it has its own listener. For containers without a
   * volume. Environment: `WEAVE_WAL_DRAIN_ON_SIGNAL`. Default `false`.
   */
  drainOnSignal?: boolean;
  /**
   * Whether calls that this process leaves open when it dies are ended with an error by the process
   * that recovers its log. For processes that end the calls that they start. Environment:
   * `WEAVE_WAL_CLOSE_INTERRUPTED`. Default `false`.
   */
  closeInterrupted?: boolean;
  /**
   * Whether secrets with known names and formats are replaced with `"[REDACTED]"` before anything
   * is written: API keys, passwords, cookies, bearer tokens and the like. Environment:
   * `WEAVE_WAL_REDACT_DEFAULTS`. Default `true`.
   */
  redactDefaults?: boolean;
  /**
   * Additional property names whose values are redacted, in any spelling: `"tax_id"` also matches
   * `taxId` and `customer-tax-ids`. Environment: `WEAVE_WAL_REDACT_KEYS`, comma-separated. Default:
   * none.
   */
  redactKeys?: readonly string[];
  /** Additional patterns of text to redact. A string is the source of a pattern. Default: none. */
  redactPatterns?: readonly (RegExp | string)[];
  /**
   * Replaces values before anything is written. Called with the field of the record (`"inputs"`,
   * `"output"`, …), then with each property by name and each item by index, as JSON data; for a
   * file with its name and content. Returns the value to write, or `undefined` to remove it. If it
   * throws or returns a promise, the value is redacted. Default: none.
   */
  redact?: (key: string, value: unknown) => unknown;
  /**
   * Fraction of traces to record, 0 to 1, decided by the trace ID; or a function that decides for
   * the root of a trace whether it is recorded, or at which rate. All calls of a trace follow its
   * root. Evaluations and calls by `callStart` are always recorded. Environment:
   * `WEAVE_WAL_SAMPLE_RATE`. Default 1.
   */
  sampleRate?: number | SampleFunction;
  /** Called with every event; its errors are ignored. Default: none. */
  onEvent?: (event: WalEvent) => void;
  /**
   * Sends requests. The program can then end only when a request was answered or, after `timeoutMs`,
   * aborted. Default: requests that let the program end.
   */
  fetch?: Fetch;
  /**
   * The JavaScript runtime. Default: detected.
   *
   * @internal
   */
  runtime?: Runtime;
  /** Returns random numbers in [0, 1), for IDs and jitter. Default: the runtime's own. */
  random?: () => number;
}
