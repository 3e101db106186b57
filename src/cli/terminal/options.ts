/**
 * Options shared by several commands.
 *
 * @module
 */

import { Command, Option } from "commander";
import { quoted } from "./format.ts";
import { CommandError } from "../exit_codes.ts";
import type { LogFilter, ProjectFilter } from "../logs/projects.ts";

/** Values of the options from {@linkcode withLogOptions}. */
export interface LogFlags extends ProjectFilter {
  readonly dir?: string;
  readonly server?: string;
}

/** Help text of `--server` for commands that do not send. */
const READ_SERVER = "only logs for this trace server";

/** Adds `--dir`, `--server`, `--entity` and `--project`. */
export function withLogOptions(command: Command, server: string = READ_SERVER): Command {
  return command
    .addOption(
      new Option(
        "--dir <directory>",
        "directory of all logs (default: WEAVE_WAL_DIR, or .weave/wal)",
      ),
    )
    .option("--server <url>", server)
    .option("--entity <entity>", "only logs of this entity")
    .option("--project <project>", "only logs of this project; <entity>/<project> names both");
}

/** Returns the project filter for the flags. */
export function projectFilter({ entity, project }: LogFlags): ProjectFilter {
  const slash = project?.indexOf("/") ?? -1;
  if (project === undefined || slash === -1) {
    return {
      ...(entity === undefined ? {} : { entity }),
      ...(project === undefined ? {} : { project }),
    };
  }
  const named = project.slice(0, slash);
  if (entity !== undefined && entity !== named) {
    throw new CommandError(
      `Cannot use --project: ${quoted(project)} is not of --entity ${quoted(entity)}`,
    );
  }
  return { entity: named, project: project.slice(slash + 1) };
}

/** Returns the log filter for the flags; `server` is the base URL of `--server`. */
export function logFilter(flags: LogFlags, { serverUrl }: { serverUrl: string }): LogFilter {
  return {
    ...projectFilter(flags),
    ...(flags.server === undefined ? {} : { server: serverUrl }),
  };
}

/** Creates a command of `weave-wal` with its help: description, examples, exit codes. */
export function describe(
  name: string,
  summary: string,
  parts: { examples: readonly (readonly [string, string])[]; notes?: string },
): Command {
  const width = Math.max(...parts.examples.map(([line]) => line.length));
  const examples = parts.examples.map(([line, what]) => `  ${line.padEnd(width)}  # ${what}`);
  const notes = parts.notes === undefined ? "" : `\n\n${parts.notes}`;
  return new Command(name).description(summary)
    .addHelpText("after", `\nExamples:\n${examples.join("\n")}${notes}`);
}
