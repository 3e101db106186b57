/**
 * Events that describe a log when it is opened.
 *
 * @module
 */

import { distrustReason } from "../runtime/directory_trust.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { WalEvent } from "./pipeline/status/events.ts";
import { projectDirectory } from "../wal/segment/project_directory.ts";

/** The values that the event contains. */
export interface LogFacts {
  readonly entity: string;
  readonly project: string;
  readonly walDir: string;
  readonly serverUrl: string;
  /** Returns whether this process sends. */
  readonly sender: boolean;
}

/** Returns the event for an enabled log: its location, and where its records are sent. */
export function logOn({ entity, project, walDir, serverUrl, sender }: LogFacts): WalEvent {
  const directory = projectDirectory(walDir, entity, project);
  const delivery = sender
    ? `sent to ${serverUrl}`
    : `not sent by this process (the sender is off); \`weave-wal flush --follow\` sends them to ` +
      serverUrl;
  const message =
    `${entity}/${project}: log on; records are written to ${directory} and ${delivery}`;
  return { level: "info", name: "log-on", message };
}

/** Returns the event for a directory that other users can change; `null` if they cannot. */
export function untrustedDirectory(runtime: Runtime, walDir: string): WalEvent | null {
  const reason = distrustReason(runtime, walDir);
  if (reason === null) return null;
  return { level: "warn", name: "untrusted-directory", message: untrustedMessage(walDir, reason) };
}

/** Returns the warning about a directory that other users can change. */
export function untrustedMessage(walDir: string, reason: string): string {
  return `${walDir}: ${reason}. Other users can add, change and delete log files there. ` +
    "Use a directory that belongs to this user, with mode 0700 (WEAVE_WAL_DIR)";
}
