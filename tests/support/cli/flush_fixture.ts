/**
 * Logs that tests of `flush` leave and look at.
 *
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "@std/path";
import type { Surroundings } from "./cli_support.ts";
import { openLog, writeCalls } from "./written_logs.ts";

/** The API key of the command. */
export const KEY = "a-secret-key-0123456789";

/** Surroundings of a command that sends to `server`. */
export function sending(cwd: string, server: string): Surroundings {
  return { cwd, env: { WF_TRACE_SERVER_URL: server, WANDB_API_KEY: KEY } };
}

/** Leaves a log with calls for `server`, as a process that ended; returns their IDs. */
export async function leave(
  wal: string,
  name: string,
  server: string,
  calls: number,
): Promise<string[]> {
  const log = openLog(wal, name, { server });
  const written = writeCalls(log, name, calls);
  await log.finish();
  return written;
}

/** Names of a project's segments. */
export function dataFiles(wal: string, name: string): string[] {
  const directory = join(wal, name);
  return existsSync(directory)
    ? readdirSync(directory).filter((file) => file.endsWith(".jsonl"))
    : [];
}
