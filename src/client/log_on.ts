/**
 * The line that says that a log is on, where it is, and where its records go.
 *
 * @module
 */

import type { PipelineEvent } from "./pipeline/pipeline.ts";
import { projectDirectory } from "../wal/segment/segment_name.ts";

/** What the line is about. */
export interface LogFacts {
  readonly entity: string;
  readonly project: string;
  readonly walDir: string;
  readonly serverUrl: string;
  /** Whether this process sends. */
  readonly sender: boolean;
}

/** The event of a log that is on: where it is, and where its records go. */
export function logOn({ entity, project, walDir, serverUrl, sender }: LogFacts): PipelineEvent {
  const directory = projectDirectory(walDir, entity, project);
  const delivery = sender
    ? `sent to ${serverUrl}`
    : `not sent by this process (the sender is off); \`weave-wal flush --follow\` sends them to ` +
      serverUrl;
  const message =
    `${entity}/${project}: log on; records are written to ${directory} and ${delivery}`;
  return { level: "info", name: "log-on", message };
}
