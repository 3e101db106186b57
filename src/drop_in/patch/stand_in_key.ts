/**
 * A placeholder for the API key of a process that only writes its log.
 *
 * @module
 */

import process from "node:process";
import type { SdkLogs } from "../logs/sdk_logs.ts";

const VARIABLE = "WANDB_API_KEY";
/** The placeholder; servers reject it. */
const STAND_IN = "no-key-needed-without-a-sender";

/**
 * Runs `start`. The official SDK's `init` fails without an API key, also in a process whose sender is
 * off and that has none on purpose (its sidecar has it). It looks for the key before it first waits:
 * until `start` returns, the placeholder is in the environment.
 */
export function withStandInKey<Result>(logs: SdkLogs, start: () => Result): Result {
  if (!logs.runsWithoutKey()) return start();
  const before = process.env[VARIABLE];
  process.env[VARIABLE] = STAND_IN;
  try {
    return start();
  } finally {
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
  }
}
