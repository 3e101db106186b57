/**
 * All mutations.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";
import { CLIENT_MUTATIONS } from "./client.ts";
import { DELIVERY_MUTATIONS } from "./delivery.ts";
import { DELIVERY_DISK_MUTATIONS } from "./delivery_disk.ts";
import { DELIVERY_HTTP_MUTATIONS } from "./delivery_http.ts";
import { RECOVERY_MUTATIONS } from "./delivery_recovery.ts";
import { RUNTIME_MUTATIONS } from "./runtime.ts";
import { WAL_MUTATIONS } from "./wal.ts";
import { WAL_LOG_MUTATIONS } from "./wal_log.ts";

/** All mutations. */
export const MUTATIONS: readonly Mutation[] = [
  ...RUNTIME_MUTATIONS,
  ...WAL_LOG_MUTATIONS,
  ...WAL_MUTATIONS,
  ...DELIVERY_MUTATIONS,
  ...RECOVERY_MUTATIONS,
  ...DELIVERY_DISK_MUTATIONS,
  ...DELIVERY_HTTP_MUTATIONS,
  ...CLIENT_MUTATIONS,
];
