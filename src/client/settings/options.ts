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
 * Options of `init`. An environment variable overrides the option, the option overrides
 * `weave.jsonc` in the working directory, and that overrides the default. Sizes are bytes, times
 * ms.
 *
 * `weave.jsonc` may set all but `apiKey`, `allowHttp`, `redactDefaults`, and the functions. A
 * server that only `weave.jsonc` names gets no API key from elsewhere.
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
  /** Key of the W&B account. Environment: `WANDB_API_KEY`. Default: that of `~/.netrc`. */
  apiKey?: string;
  /** URL of the trace server. Environment: `WF_TRACE_SERVER_URL`. Default: that of `baseUrl`. */
  serverUrl?: string;
  /**
   * URL of the W&B server. Environment: `WANDB_BASE_URL`. Default: that of
   * `~/.config/wandb/settings`.
   */
  baseUrl?: string;
  /**
   * Hosts (with or without a port) that plain `http` may be used for; loopback needs none of this.
   * Environment: `WEAVE_WAL_ALLOW_HTTP`, separated by commas. Default: none.
   */
  allowHttp?: readonly string[];
  /** Makes every op a plain function call. Environment: `WEAVE_DISABLED`. Default `false`. */
  disabled?: boolean;
  /**
   * Prints a link to every root call, to standard error. Environment: `WEAVE_PRINT_CALL_LINK`.
   * Default: only where standard error is a terminal.
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
   * Directory of the logs. Environment: `WEAVE_WAL_DIR`. Default `.weave/wal` in the working
   * directory.
   */
  walDir?: string;
  /** When records are forced to stable storage. Default `"interval"`. */
  fsync?: FsyncPolicy;
  /** Ms between data syncs under `"interval"`. Default 500. */
  fsyncIntervalMs?: number;
  /** Records after which a data sync begins under `"interval"`. Default 64. */
  fsyncRecords?: number;
  /** Bytes after which a new log file is begun. Default 64 MiB. */
  segmentBytes?: number;
  /** Bytes that the logs of one project may take. Default 10 GiB. */
  maxDiskBytes?: number;
  /** Policy for a record that exceeds the disk quota. Default `"drop-new"`. */
  quotaPolicy?: QuotaPolicy;
  /** Bytes that the memory log may hold. Default 64 MiB. */
  maxMemoryBytes?: number;
  /**
   * Records that the memory log may hold. Environment: `WEAVE_MAX_CALLS_QUEUE_SIZE`. Default
   * 100,000; 0: no limit.
   */
  maxMemoryRecords?: number;
  /** Most bytes in one batch of calls. Default 4 MiB, at most 31 MiB. */
  batchBytes?: number;
  /** Most records in one batch of calls. Default 1000. */
  batchRecords?: number;
  /** Ms to wait for more records before a small batch is sent. Default 200. */
  lingerMs?: number;
  /** Ms for one HTTP attempt. Environment: `WEAVE_HTTP_TIMEOUT` (in s). Default 30,000. */
  timeoutMs?: number;
  /**
   * Most ms between two attempts. Environment: `WEAVE_RETRY_MAX_INTERVAL` (in s). Default 300,000.
   */
  retryMaxMs?: number;
  /**
   * Sends complete calls where the server takes them. Environment: `WEAVE_USE_CALLS_COMPLETE`.
   * Default `true`.
   */
  useCallsComplete?: boolean;
  /** Maximum ms of the last drain at a normal exit. Default 2000. */
  exitDrainMs?: number;
  /**
   * Delivers at SIGTERM and SIGINT, for `exitDrainMs` at most, and hands the signal on: the program
   * ends with the signal's status unless it listens itself. For containers without a volume.
   * Environment: `WEAVE_WAL_DRAIN_ON_SIGNAL`. Default `false`.
   */
  drainOnSignal?: boolean;
  /**
   * Whether calls that the end of this process cuts off are finished by the process that recovers
   * its log, with an error that says so. For processes that end the calls that they begin.
   * Environment: `WEAVE_WAL_CLOSE_INTERRUPTED`. Default `false`.
   */
  closeInterrupted?: boolean;
  /**
   * Whether secrets of known names and forms are replaced by `"[REDACTED]"` before anything is
   * written: API keys, passwords, cookies, bearer tokens and the like. Environment:
   * `WEAVE_WAL_REDACT_DEFAULTS`. Default `true`.
   */
  redactDefaults?: boolean;
  /**
   * Further names of properties whose values are redacted, in any spelling: `"tax_id"` matches
   * `taxId` and `customer-tax-ids` too. Environment: `WEAVE_WAL_REDACT_KEYS`, separated by commas.
   * Default: none.
   */
  redactKeys?: readonly string[];
  /**
   * Further patterns; what they match in a text is redacted. A string is a pattern's source.
   * Default: none.
   */
  redactPatterns?: readonly (RegExp | string)[];
  /**
   * Replaces values before anything is written. Gets the field of the record first (`"inputs"`,
   * `"output"`, …), then each property by name and each item by index, as JSON data; of a file its
   * name and content. Returns what is written, `undefined` for nothing. A value on which it throws,
   * or for which it returns a promise, is redacted. Default: none.
   */
  redact?: (key: string, value: unknown) => unknown;
  /**
   * Share of traces that ops record, 0 to 1, decided by the trace's id; or a function that says of
   * the beginning of a trace whether it is recorded, or at which rate. The calls below the first
   * one follow it. Evaluations and calls by `callStart` are always recorded. Environment:
   * `WEAVE_WAL_SAMPLE_RATE`. Default 1.
   */
  sampleRate?: number | SampleFunction;
  /** Called with every event; its errors are ignored. Default: none. */
  onEvent?: (event: WalEvent) => void;
  /** Sends requests; the host's `fetch` unless given. */
  fetch?: Fetch;
  /**
   * The host; detected unless given.
   *
   * @internal
   */
  runtime?: Runtime;
  /** Random numbers in [0, 1), for ids and jitter; the host's own unless given. */
  random?: () => number;
}
