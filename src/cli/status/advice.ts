/**
 * Advice: problems, their effect on the records, and the actions to take.
 *
 * @module
 */

import { isRunning } from "../../wal/processes/process_status.ts";
import {
  formatBytes,
  formatDuration,
  formatRecords,
  plural,
  printable,
  quoted,
  shellWord,
} from "../terminal/format.ts";
import { keyDigestOf, projectLabel } from "../logs/python_logs.ts";
import type { OpenLog, StoreFlags } from "../logs/with_log.ts";
import type { Advice } from "./advice_types.ts";
import { droppedText, type Quota, shareOf, usedOf } from "./state/log_health.ts";
import type { ProjectReport, StatusReport } from "./report.ts";
import {
  blockedSenders,
  processName,
  type ReportedSender,
  reportedSenders,
} from "./state/sender_state.ts";
import { undrained } from "./state/undrained.ts";

/** Data that the advice depends on. */
export interface AdviceOptions {
  /** The server of the settings. */
  readonly server: string;
  /** `--dir` as given, for use in suggested commands. */
  readonly dir?: string;
  /** `--log` as it was given. */
  readonly log?: string;
  /** Directory of the Python SDK's logs, looked at beside that of this package. */
  readonly pythonRoot?: string;
  /** SHA-256 of the API key in use, in hex. */
  readonly keyDigest?: string;
}

/** Returns the options for a log and the flags that name it. */
export function adviceOptions(
  { settings: { serverUrl, apiKey }, filter: { pythonRoot } }: Pick<OpenLog, "settings" | "filter">,
  { dir, log }: StoreFlags,
): AdviceOptions {
  return {
    server: serverUrl,
    ...(pythonRoot === undefined ? {} : { pythonRoot }),
    ...(apiKey === undefined ? {} : { keyDigest: keyDigestOf(apiKey) }),
    ...(dir === undefined ? {} : { dir }),
    ...(log === undefined ? {} : { log }),
  };
}

/** Ms for which the last error of a recovered sender is shown. */
const RECENT_MS = 3_600_000;
/** Fraction of a quota from which its usage is shown. */
const QUOTA_WARNING = 0.8;
/** Ms until a quota is reached, below which that is shown. */
const FULL_SOON_MS = 6 * 3_600_000;

/** Returns the advice for a report. */
export function adviseOn(report: StatusReport, options: AdviceOptions): Advice[] {
  return [
    ...reportedSenders(report).flatMap((sender) => ofSender(sender, report)),
    ...report.projects.flatMap((project) => ofProject(project, report, options)),
  ];
}

function ofSender(
  { process, report: { state, reason, since, nextAttempt, lastError } }: ReportedSender,
  report: StatusReport,
): Advice[] {
  const who = processName(process);
  const server = printable(process.server);
  if (state !== "up") {
    const what = `${since === 0 ? "" : `since ${formatDuration(report.at - since)}: `}${
      printable(reason)
    }. ${safetyOf(process.token, report)}`;
    return [
      state === "blocked"
        ? {
          level: "error",
          name: "server-blocked",
          message: `${server} rejects what ${who} sends, ${what}. ` +
            "Fix the API key or the URL, and restart the sender",
        }
        : {
          level: "warn",
          name: "server-down",
          message: `${server} is unreachable from ${who}, ${what}. ` +
            nextText(nextAttempt, report.at),
        },
    ];
  }
  if (lastError === null || report.at - lastError.at > RECENT_MS) return [];
  return [{
    level: "info",
    name: "last-error",
    message:
      `${who} is sending; its last error, ${formatDuration(report.at - lastError.at)} ago: ` +
      printable(lastError.message),
  }];
}

/** Formats the time of the next attempt: `It tries again in 12 s`. */
function nextText(nextAttempt: number | null, now: number): string {
  if (nextAttempt === null || nextAttempt <= now) return "It is trying again now";
  return `It tries again in ${formatDuration(nextAttempt - now)}`;
}

/** Location of the records that a sender has not delivered. */
function safetyOf(token: string, report: StatusReport): string {
  const { projects, unit, at } = report;
  const senders = reportedSenders(report);
  let records = 0;
  let isEstimate = false;
  let inMemory = 0;
  for (const { groups, logs } of projects) {
    for (const group of groups) {
      const isIts = group.drainer?.token === token ||
        blockedSenders(group, senders, at).some(({ process }) => process.token === token);
      if (!isIts) continue;
      records += group.pendingRecords;
      isEstimate ||= group.pendingEstimated;
    }
    for (const { process, log } of logs) {
      if (process.token === token) inMemory += log.memory.records;
    }
  }
  const onDisk = `${formatRecords(records, isEstimate)} pending ${
    unit === "file" ? "on disk" : "in the stream"
  }`;
  return inMemory === 0 ? onDisk : `${onDisk}, ${plural(inMemory, "record")} in memory only`;
}

type Add = (level: Advice["level"], kind: string, message: string, command?: string) => void;

function ofProject(project: ProjectReport, report: StatusReport, options: AdviceOptions): Advice[] {
  const name = projectLabel(project);
  const dir = options.dir ?? dirFor(project, options);
  const { log } = options;
  const where = log !== undefined
    ? ` --log ${shellWord(log)}`
    : dir === undefined
    ? ""
    : ` --dir ${shellWord(dir)}`;
  const only = ` --entity ${shellWord(project.entity)} --project ${shellWord(project.project)}`;
  const advice: Advice[] = [];
  const add: Add = (level, kind, message, command) => {
    const line = command === undefined ? {} : { command: `weave-wal ${command}${where}` };
    advice.push({ level, name: kind, project: name, message, ...line });
  };
  ofLogs(project, report.at, add);
  for (const { server, level, kind, message, command } of undrained(project, report)) {
    const isOther = server !== null && server !== options.server;
    const isOtherKeys = isForOtherKey(project, options);
    const forWhom = (isOther ? ` for ${printable(server)}` : "") +
      (isOtherKeys ? " written with an API key that is not the one in use" : "");
    const help = command && !isOtherKeys
      ? `${command}${isOther ? ` --server ${shellWord(server)}` : ""}`
      : undefined;
    add(
      level,
      kind,
      message.replace("{for}", forWhom),
      help && (help.includes("--follow") ? help : help + only),
    );
  }
  const { deadLetters, interrupted = 0 } = project;
  if (interrupted > 0) {
    const who = plural(interrupted, "process that has ended", "processes that have ended");
    add(
      "warn",
      "interrupted",
      `Calls of ${who} have no end: they get one with a flush`,
      `flush${only}`,
    );
  }
  if (deadLetters.total > 0) {
    const last = deadLetters.last === null ? "" : `, the last: ${quoted(deadLetters.last.message)}`;
    const reasons = Object.entries(deadLetters.byReason).sort(([, a], [, b]) => b - a)
      .map(([reason, count]) => `${count} ${printable(reason)}`).join(", ");
    const message = `${plural(deadLetters.total, "dead letter")} (${reasons})${last}`;
    add("error", "dead-letters", message, `dead-letters list${only}`);
  }
  if (project.invalidCheckpoint !== null) {
    const why = printable(project.invalidCheckpoint);
    const message = `A checkpoint is invalid, its file is sent from the start: ${why}`;
    add("warn", "checkpoint", message, `verify${only}`);
  }
  return advice;
}

/** A log of the Python SDK without an API key in its name is only sent if its root is given. */
function dirFor({ python }: ProjectReport, { pythonRoot }: AdviceOptions): string | undefined {
  return python?.keyDigest === null ? pythonRoot : undefined;
}

function isForOtherKey({ python }: ProjectReport, { keyDigest }: AdviceOptions): boolean {
  const written = python?.keyDigest ?? null;
  return written !== null && keyDigest !== undefined && written !== keyDigest;
}

/** Adds advice about the reports of the processes that write a project. */
function ofLogs({ logs, health }: ProjectReport, now: number, add: Add): void {
  if (health.droppedRecords > 0) {
    const message = `${plural(health.droppedRecords, "record")} lost (${
      droppedText(health.dropped)
    })`;
    add("error", "dropped", message);
  }
  for (const { process, log: { kind, diskError, memory } } of logs) {
    if (!isRunning(process) || (kind === "file" && memory.records === 0)) continue;
    const only = memory.records === 0
      ? "It has no records in memory"
      : `${plural(memory.records, "record")} (${formatBytes(memory.bytes)}) in its memory only, ` +
        "lost if it ends before they are delivered or written";
    const since = diskError === null ? "" : ` for ${formatDuration(now - diskError.at)}`;
    const message = diskError === null
      ? `${processName(process)}: ${only}`
      : `Cannot write records of ${processName(process)} to disk${since}: ${
        printable(diskError.message)
      }. ${only}`;
    add("error", diskError === null ? "memory" : "disk-error", message);
  }
  for (const { process, log: { syncError } } of logs) {
    if (!isRunning(process) || syncError === null) continue;
    const message =
      `Cannot fsync the log of ${processName(process)} for ${formatDuration(now - syncError.at)}: ${
        printable(syncError.message)
      }. Its records are on disk and survive its end, but may be ` +
      "lost if the machine crashes";
    add("warn", "sync-unsupported", message);
  }
  const { quota } = health;
  const isFullSoon = quota !== null && quota.fullAt !== null && quota.fullAt - now < FULL_SOON_MS;
  if (shareOf(quota) >= QUOTA_WARNING || isFullSoon) ofQuota(quota!, now, add);
}

function ofQuota(quota: Quota, now: number, add: Add): void {
  const { usedBytes, maxBytes, policy, fullAt } = quota;
  const effect = {
    "drop-new": "new records are dropped",
    "drop-oldest": "the oldest records are dropped",
    refuse: "relays refuse writes with 503",
  }[policy];
  const percent = Math.min(100, Math.floor(shareOf(quota) * 100));
  const lasts = fullAt === null || fullAt <= now
    ? ""
    : `, full in ${formatDuration(fullAt - now)} at the present rate`;
  const message = `${percent}% ${usedOf(quota)} (${formatBytes(usedBytes)} of ${
    formatBytes(maxBytes)
  }${lasts}); at the limit ${effect}`;
  add("warn", "quota", message);
}
