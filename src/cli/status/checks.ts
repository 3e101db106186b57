/**
 * `weave-wal status --fail-if-…`: conditions under which the command fails.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { parseDuration, parsePercent } from "../terminal/arguments.ts";
import { formatDuration, formatRecords, plural, printable } from "../terminal/format.ts";
import { projectLabel } from "../logs/python_logs.ts";
import { droppedText, shareOf } from "./state/log_health.ts";
import { isRunning } from "../../wal/processes/process_status.ts";
import type { ProjectReport, StatusReport } from "./report.ts";
import { deliveriesOf, processName } from "./state/sender_state.ts";

/** The conditions, as flags. */
export interface CheckFlags {
  readonly failIfOlder?: number;
  readonly failIfDeadLetters?: boolean;
  readonly failIfDropped?: boolean;
  readonly failIfBlocked?: boolean;
  readonly failIfInMemory?: boolean;
  readonly failIfUnsynced?: boolean;
  readonly failIfDown?: number;
  readonly failIfUnsent?: boolean;
  readonly failIfQuota?: number;
}

/** Result of a check. */
export interface CheckResult {
  /** The option, without dashes. */
  readonly name: string;
  readonly failed: boolean;
  /** One line for each project that meets the condition. */
  readonly problems: readonly string[];
}

interface Check {
  readonly flag: keyof CheckFlags;
  readonly name: string;
  readonly option: Option;
  /** The problem of a project; `null` if it has none. */
  readonly find: (project: ProjectReport, report: StatusReport, limit: number) => string | null;
}

const CHECKS: readonly Check[] = [
  {
    flag: "failIfOlder",
    name: "fail-if-older",
    option: new Option("--fail-if-older <age>", "fail if a record has been pending for longer")
      .argParser(parseDuration),
    find: ({ oldest }, { at }, limit) =>
      oldest === null || at - oldest <= limit
        ? null
        : `oldest pending record is ${formatDuration(at - oldest)} old, over ${
          formatDuration(limit)
        }`,
  },
  {
    flag: "failIfDeadLetters",
    name: "fail-if-dead-letters",
    option: new Option("--fail-if-dead-letters", "fail if there are dead letters"),
    find: ({ deadLetters: { total } }) => total === 0 ? null : plural(total, "dead letter"),
  },
  {
    flag: "failIfDropped",
    name: "fail-if-dropped",
    option: new Option("--fail-if-dropped", "fail if records were lost in the last day"),
    find: ({ health: { droppedRecords, dropped } }) =>
      droppedRecords === 0
        ? null
        : `${plural(droppedRecords, "record")} dropped (${droppedText(dropped)})`,
  },
  {
    flag: "failIfBlocked",
    name: "fail-if-blocked",
    option: new Option("--fail-if-blocked", "fail if the server rejects the key or the requests"),
    find: (project, report) => {
      const blocked = deliveriesOf(project, report).find(({ state }) => state === "blocked");
      return blocked === undefined ? null : `delivery is blocked: ${blocked.report?.reason ?? ""}`;
    },
  },
  {
    flag: "failIfInMemory",
    name: "fail-if-in-memory",
    option: new Option(
      "--fail-if-in-memory",
      "fail if the disk of a process fails, or records are only in memory",
    ),
    find: ({ logs, health }) => {
      const failing = logs.find(({ process, log }) => log.kind === "memory" && isRunning(process));
      if (failing === undefined && health.memoryRecords === 0) return null;
      const why = failing?.log.diskError?.message;
      return `${plural(health.memoryRecords, "record")} in memory only${why ? ` (${why})` : ""}`;
    },
  },
  {
    flag: "failIfUnsynced",
    name: "fail-if-unsynced",
    option: new Option("--fail-if-unsynced", "fail if a process cannot fsync its records"),
    find: ({ logs }) => {
      const unsynced = logs.find(({ process, log }) =>
        log.syncError !== null && isRunning(process)
      );
      return unsynced === undefined
        ? null
        : `cannot fsync the log of ${processName(unsynced.process)}: ${
          unsynced.log.syncError!.message
        }`;
    },
  },
  {
    flag: "failIfDown",
    name: "fail-if-down",
    option: new Option(
      "--fail-if-down <time>",
      "fail if the server has been unreachable for longer",
    )
      .argParser(parseDuration),
    find: (project, report, limit) => {
      const down = deliveriesOf(project, report).find(({ state, report: sent }) =>
        state === "down" && report.at - sent!.since > limit
      );
      if (down === undefined) return null;
      const { server, since, reason } = down.report!;
      return `${server} has been unreachable for ${formatDuration(report.at - since)}: ${reason}`;
    },
  },
  {
    flag: "failIfUnsent",
    name: "fail-if-unsent",
    option: new Option("--fail-if-unsent", "fail if records are pending and no process sends them"),
    find: (project, report) => {
      const unsent = deliveriesOf(project, report).filter(({ state, by }) =>
        state === "nobody" || state === "unresponsive" || by?.as === null
      );
      if (unsent.length === 0) return null;
      const records = unsent.reduce((sum, { pendingRecords }) => sum + pendingRecords, 0);
      const isEstimate = unsent.some(({ pendingEstimated }) => pendingEstimated);
      const who = unsent.every(({ state }) => state === "unresponsive")
        ? "their sender is unresponsive"
        : "no process sends them";
      return `${formatRecords(records, isEstimate)} pending, and ${who}`;
    },
  },
  {
    flag: "failIfQuota",
    name: "fail-if-quota",
    option: new Option(
      "--fail-if-quota <percent>",
      "fail if more of maxDiskBytes (or --max-log) is used",
    )
      .argParser(parsePercent),
    find: ({ health: { quota } }, _report, limit) => {
      const percent = Math.floor(shareOf(quota) * 100);
      return percent <= limit
        ? null
        : quota!.policy === "refuse"
        ? `${percent}% of the stream's --max-log used, over ${limit}%`
        : `${percent}% of maxDiskBytes used, over ${limit}%`;
    },
  },
];

/** Adds the options to a command. */
export function withChecks(command: Command): Command {
  return CHECKS.reduce((all, { option }) => all.addOption(option), command);
}

/** Names of the flags in commander. */
export const CHECK_FLAGS: readonly string[] = CHECKS.map(({ flag }) => flag);

/** Returns the names of all checks: their options without dashes. */
export function checkNames(): string[] {
  return CHECKS.map(({ name }) => name);
}

/** Returns whether any check was requested. */
export function isCheck(flags: CheckFlags): boolean {
  return CHECKS.some(({ flag }) => flags[flag] !== undefined);
}

/** Runs the requested checks on a report. */
export function runChecks(report: StatusReport, flags: CheckFlags): CheckResult[] {
  return CHECKS.filter(({ flag }) => flags[flag] !== undefined).map(({ flag, name, find }) => {
    const problems = report.projects.flatMap((project) => {
      const problem = find(project, report, Number(flags[flag]));
      return problem === null ? [] : [printable(`${projectLabel(project)}: ${problem}`)];
    });
    return { name, failed: problems.length > 0, problems };
  });
}

/** Maximum number of projects to list for each failed check. */
const MAX_PROJECTS = 20;

/** Formats failed checks for people, one line for each project. */
export function checksText(results: readonly CheckResult[]): string {
  return results.flatMap(({ name, problems }) => {
    const more = problems.length - MAX_PROJECTS;
    const lines = problems.slice(0, MAX_PROJECTS).map((problem) =>
      `Check failed (--${name}): ${problem}\n`
    );
    return more <= 0 ? lines : [...lines, `Check failed (--${name}): ${more} projects more\n`];
  }).join("");
}
