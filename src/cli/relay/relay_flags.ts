/**
 * Parsed options of `weave-wal relay`.
 *
 * @module
 */

import type { ListenAddress } from "../metrics/metrics_server.ts";

/** Values of the command's options. */
export interface RelayFlags {
  readonly listen: ListenAddress;
  readonly dir?: string;
  readonly server?: string;
  readonly fsync: "group" | "interval" | "never";
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly project?: string;
  readonly redact: boolean;
  readonly maxRequest: number;
  readonly maxRequests: number;
  readonly maxConnections?: number;
  readonly grace: number;
  readonly json?: boolean;
  readonly log?: string;
  readonly spool: "on" | "off";
  readonly partitions?: number;
  readonly replicas?: number;
  readonly maxLog?: number;
  /** GiB. */
  readonly maxDeadLetters?: number;
  readonly subjectPrefix?: string;
  readonly dryRun?: boolean;
}
