/**
 * A placeholder for the API key in a process that only writes its log.
 *
 * @module
 */

import process from "node:process";
import type { SdkLogs } from "../logs/sdk_logs.ts";

const VARIABLE = "WANDB_API_KEY";
/** The placeholder; servers reject it. */
const STAND_IN = "no-key-needed-without-a-sender";

/**
 * Runs `start` with a placeholder in the environment. The official SDK's `init` fails without an
 * API key, even in a process whose sender is disabled and that deliberately has none (its sidecar
 * has it). It reads the key synchronously, so the placeholder is only set until `start` returns.
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
