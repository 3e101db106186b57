/**
 * Crashes of the simulated machine.
 *
 * @module
 */

import { isCutRecord } from "../checks/closings.ts";
import type { SimRecord } from "./ledger.ts";
import { SimProcess } from "../process/process.ts";

/** Notes that a machine crash may have lost a record. */
export function crashed(record: SimRecord): void {
  if (isCutRecord(record)) record.excuse ??= "machine crash";
  record.letteredAt = null;
  record.checkpointed = false;
  if (!record.accepted || record.memory) return;
  const owner = record.origin;
  record.synced ||= owner instanceof SimProcess && owner.hasSyncedBy(record.at);
  if (!record.synced) record.excuse ??= "machine crash";
}
