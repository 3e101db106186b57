/**
 * The outcome of a flush.
 *
 * @module
 */

import type { SegmentState } from "../../wal/orphans/segment_status.ts";
import type { HeldInMemory, OtherSenders } from "./other_senders.ts";
import type { OtherServer, Remaining } from "./targets.ts";
import type { WaitEnd } from "./wait.ts";
import { formatBytes, formatDuration, plural, printable, shellWord } from "../terminal/format.ts";
import { processName } from "../status/state/sender_state.ts";
import type { Colors } from "../terminal/terminal.ts";

/** The outcome of a flush. */
export interface FlushOutcome {
  readonly end: WaitEnd;
  /** Base URL of the server. */
  readonly server: string;
  /** Number of records that this command delivered and dead-lettered. */
  readonly delivered: number;
  readonly deadLettered: number;
  /** Bytes of the log that any process has settled. */
  readonly sentBytes: number;
  /** The part of them that other processes sent. */
  readonly sentByOthersBytes: number;
  readonly remaining: Remaining;
  /** Why the remaining files are not sent. */
  readonly holders: readonly string[];
  /** Actions with which the remaining files will be sent. */
  readonly help: readonly string[];
  /** Records for other servers, which were not sent. */
  readonly others: readonly OtherServer[];
  /** Why a named log was not found; `null` if it was. */
  readonly missing: { readonly message: string; readonly hint: string } | null;
  readonly durationMs: number;
  readonly lastError: string | null;
  /** Records that exist only in the memory of running processes. */
  readonly inMemory: HeldInMemory;
}

/** Maximum number of remaining files whose draining process is listed. */
export const MAX_HELD = 1_000;

/** Returns one line for each process that drains remaining files. */
export function holdersOf(left: readonly SegmentState[]): string[] {
  const reasons = new Map<string, number>();
  for (const { drainer, writer } of left) {
    const reason = drainer === null
      ? `of ${processName(writer)} (${writer.liveness}), which no process is draining`
      : drainer.as === "writer"
      ? `drained by ${processName(drainer)} (${drainer.liveness}), which wrote it`
      : `drained by ${processName(drainer)} (${drainer.liveness}), which holds the recovery lease`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [...reasons].map(([reason, count]) => printable(`${plural(count, "file")} ${reason}`));
}

/** Maximum number of processes to name in an action. */
const MAX_NAMES = 3;

/**
 * Returns actions for the records of running processes that cannot send them: each drains its own
 * log.
 */
export function helpFor({ blocked, silent }: Pick<OtherSenders, "blocked" | "silent">): string[] {
  return [
    ...blocked.length === 0 ? [] : [
      `${
        onlyThey(blocked)
      } End it, and weave-wal flush sends them; or restart it with a key and a ` +
      "URL that the server accepts",
    ],
    ...silent.length === 0 ? [] : [
      `${
        onlyThey(silent)
      } It is suspended, hung, or cannot write to its disk. Let it continue, or ` +
      "end it, and weave-wal flush sends them",
    ],
  ].map(printable);
}

function onlyThey(names: readonly string[]): string {
  return `Only ${listed(names)} may send these records while it runs.`;
}

function listed(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return names.slice(0, MAX_NAMES).join(", ") + more;
}

const ENDS: Readonly<Record<Exclude<WaitEnd, "done">, string>> = {
  timeout: "the time ran out",
  stopped: "stopped",
  refused: "the server rejects what is sent",
  unresponsive: "the processes that may send it do not respond",
  unwritable: "the log cannot be changed on this disk",
};

/** Formats the outcome for people. */
export function flushText(outcome: FlushOutcome, colors: Colors): string {
  const { end, server, delivered, deadLettered, remaining, inMemory, durationMs, missing } =
    outcome;
  const ownBytes = outcome.sentBytes - outcome.sentByOthersBytes;
  const lines: string[] = [];
  if (delivered > 0) {
    // The ends of calls that were cut off are in no file when a flush begins.
    const size = ownBytes > 0 ? ` (${formatBytes(ownBytes)} of log)` : "";
    lines.push(
      `Delivered ${plural(delivered, "record")}${size} in ${formatDuration(durationMs)}`,
    );
  }
  if (outcome.sentByOthersBytes > 0) {
    lines.push(`Delivered by other processes: ${formatBytes(outcome.sentByOthersBytes)} of log`);
  }
  if (missing !== null) lines.push(missing.message, colors.dim(`  ${missing.hint}`));
  else if (lines.length === 0 && end === "done" && deadLettered === 0 && inMemory.records === 0) {
    lines.push(`Nothing pending for ${printable(server)}`);
  }
  if (deadLettered > 0) {
    const kept = `${plural(deadLettered, "record")} rejected, kept as dead letters`;
    lines.push(colors.red(`${kept}: see weave-wal dead-letters list`));
  }
  if (end !== "done") {
    lines.push(
      colors.yellow(
        `Still on disk: ${formatBytes(remaining.bytes)} in ${plural(remaining.files, "file")}; ` +
          ENDS[end] +
          (outcome.lastError === null ? "" : `; last error: ${printable(outcome.lastError)}`),
      ),
      ...outcome.holders.map((holder) => colors.dim(`  ${holder}`)),
      ...outcome.help.map((step) => `  ${step}`),
    );
  }
  if (inMemory.records > 0) {
    const what = `${plural(inMemory.records, "record")} (${formatBytes(inMemory.bytes)})`;
    lines.push(
      colors.yellow(
        `Not sent: ${what} in the memory of ${printable(listed(inMemory.processes))} only, whose ` +
          "disk fails. Only it can send them, and they are lost if it ends before",
      ),
    );
  }
  for (const other of outcome.others) lines.push(...otherText(other, colors));
  return `${lines.join("\n")}\n`;
}

function otherText({ server, files, bytes }: OtherServer, colors: Colors): string[] {
  const what = `Not sent: ${formatBytes(bytes)} in ${plural(files, "file")}`;
  if (server === null) {
    return [colors.yellow(`${what} for another server, which no file names any more`)];
  }
  return [
    colors.yellow(`${what} for ${printable(server)}`),
    colors.cyan(`  weave-wal flush --server ${shellWord(server)}`),
  ];
}

/** Formats the outcome for programs. Sizes in bytes, times in ms. */
export function flushJson(outcome: FlushOutcome): unknown {
  const { end, remaining, durationMs, missing, ...rest } = outcome;
  return {
    done: end === "done",
    ...(end === "done" ? {} : { reason: end }),
    ...rest,
    missing: missing?.message ?? null,
    pendingBytes: remaining.bytes,
    pendingFiles: remaining.files,
    durationMs: Math.round(durationMs),
  };
}
