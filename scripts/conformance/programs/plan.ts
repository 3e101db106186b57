/**
 * Instructions to a program of the suite, and its replies.
 *
 * @module
 */

import process from "node:process";
import { init, type InitOptions, type WeaveClient } from "../../../mod.ts";

/** Instructions to every program. */
export interface Plan {
  /** `entity/project`. */
  readonly project: string;
  readonly serverUrl: string;
  readonly walDir: string;
  /** The calls API that it uses. */
  readonly api: "v1" | "v2";
  /** Additional options. */
  readonly options?: Partial<InitOptions>;
}

/** The plan of this process. */
export function readPlan<P extends Plan = Plan>(): P {
  return JSON.parse(process.argv[2]) as P;
}

/** The client configured by a plan. */
export function initAsPlanned(
  { project, serverUrl, walDir, api, options }: Plan,
): Promise<WeaveClient> {
  return init(project, {
    wal: true,
    walDir,
    serverUrl,
    apiKey: "k".repeat(40),
    useCallsComplete: api === "v2",
    printCallLink: false,
    logLevel: "warning",
    ...options,
  });
}

/** Prints a line for the suite. */
export function tell(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line));
}
