/**
 * Default settings; the single source of these values.
 *
 * @module
 */

import type { FsyncPolicy, QuotaPolicy } from "../pipeline/pipeline.ts";
import type { LogLevel } from "../logger.ts";
import type { SampleFunction } from "../calls/sampling.ts";

const MiB = 1024 * 1024;

/** Default base URL; its API key and trace server are used if none is set. */
export const DEFAULT_BASE_URL = "https://api.wandb.ai";

/** The trace server of {@linkcode DEFAULT_BASE_URL}. */
export const DEFAULT_SERVER_URL = "https://trace.wandb.ai";

/** URL of the UI for {@linkcode DEFAULT_BASE_URL}. */
export const DEFAULT_SITE_URL = "https://wandb.ai";

/** Type of {@linkcode DEFAULTS}. */
export interface Defaults {
  readonly disabled: boolean;
  readonly logLevel: LogLevel;
  readonly wal: boolean;
  readonly sender: boolean;
  /** Relative to the working directory. */
  readonly walDir: string;
  readonly fsync: FsyncPolicy;
  readonly fsyncIntervalMs: number;
  readonly fsyncRecords: number;
  readonly segmentBytes: number;
  readonly maxDiskBytes: number;
  readonly quotaPolicy: QuotaPolicy;
  readonly maxMemoryBytes: number;
  readonly maxMemoryRecords: number;
  readonly batchBytes: number;
  readonly batchRecords: number;
  readonly lingerMs: number;
  readonly timeoutMs: number;
  readonly retryMaxMs: number;
  readonly useCallsComplete: boolean;
  readonly exitDrainMs: number;
  readonly drainOnSignal: boolean;
  readonly closeInterrupted: boolean;
  readonly redactDefaults: boolean;
  readonly sampleRate: number | SampleFunction;
}

/** Defaults of all options that have one. Sizes are in bytes, times in ms. */
export const DEFAULTS: Defaults = {
  disabled: false,
  logLevel: "info",
  wal: false,
  sender: true,
  walDir: ".weave/wal",
  fsync: "interval",
  fsyncIntervalMs: 500,
  fsyncRecords: 64,
  segmentBytes: 64 * MiB,
  maxDiskBytes: 10 * 1024 * MiB,
  quotaPolicy: "drop-new",
  maxMemoryBytes: 64 * MiB,
  maxMemoryRecords: 100_000,
  batchBytes: 4 * MiB,
  batchRecords: 1000,
  lingerMs: 200,
  timeoutMs: 30_000,
  retryMaxMs: 300_000,
  useCallsComplete: true,
  exitDrainMs: 2_000,
  drainOnSignal: false,
  closeInterrupted: false,
  redactDefaults: true,
  sampleRate: 1,
};

/** Maximum value of `batchBytes`: the server accepts 32 MiB, SDKs stay below 31. */
export const MAX_BATCH_BYTES: number = 31 * MiB;
