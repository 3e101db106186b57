/**
 * What a flush came to.
 *
 * @module
 */

import type { SegmentState } from "../../wal/ownership/segment_status.ts";
import type { OtherServer, Remaining } from "./targets.ts";
import type { WaitEnd } from "./wait.ts";
import { formatBytes, formatDuration, plural, printable } from "../terminal/format.ts";
import { partyName } from "../status/sender_state.ts";
import type { Colours } from "../terminal/terminal.ts";

/** What a flush came to. */
export interface FlushOutcome {
  readonly end: WaitEnd;
  /** Records that this command delivered and set aside. */
  readonly delivered: number;
  readonly deadLettered: number;
  /** Bytes of the logs that are done with, whoever sent them. */
  readonly sentBytes: number;
  readonly remaining: Remaining;
  /** Why the remaining files are not sent. */
  readonly holders: readonly string[];
  /** What is for other servers, and was left alone. */
  readonly others: readonly OtherServer[];
  readonly durationMs: number;
  readonly lastError: string | null;
}

/** Why files are still there: one line each, said once. */
export function holdersOf(left: readonly SegmentState[]): string[] {
  const reasons = left.map(({ claim, writer }) => {
    if (claim !== null) return `held by ${partyName(claim)} (${claim.standing}), which sends them`;
    if (writer.sends) return `written and sent by ${partyName(writer)} (${writer.standing})`;
    return `written by ${partyName(writer)} (${writer.standing})`;
  });
  return [...new Set(reasons)].map((reason) => {
    const count = reasons.filter((other) => other === reason).length;
    return `${plural(count, "file")} ${reason}`;
  });
}

/** The outcome for people. */
export function flushText(outcome: FlushOutcome, colours: Colours): string {
  const { end, delivered, deadLettered, sentBytes, remaining, durationMs, others } = outcome;
  const lines: string[] = [];
  if (delivered > 0 || sentBytes > 0) {
    lines.push(
      `Delivered ${plural(delivered, "record")} (${formatBytes(sentBytes)} of log) in ` +
        formatDuration(durationMs),
    );
  } else if (end === "done") {
    lines.push("Nothing to send");
  }
  if (deadLettered > 0) {
    lines.push(
      colours.red(`${plural(deadLettered, "record")} set aside: see weave-wal dead-letters list`),
    );
  }
  if (end !== "done") {
    const why = { timeout: "the time ran out", refused: "the server refuses", stopped: "stopped" };
    lines.push(
      colours.yellow(
        `Left: ${formatBytes(remaining.bytes)} in ${plural(remaining.files, "file")}; ${why[end]}` +
          (outcome.lastError === null ? "" : `; last error: ${printable(outcome.lastError)}`),
      ),
      ...outcome.holders.map((holder) => colours.dim(`  ${holder}`)),
    );
  }
  for (const { server, files, bytes } of others) {
    lines.push(
      colours.dim(
        `Left alone: ${formatBytes(bytes)} in ${plural(files, "file")} for ${printable(server)}`,
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

/** The outcome for programs. Sizes in bytes, times in ms. */
export function flushJson(outcome: FlushOutcome): unknown {
  const { end, remaining, durationMs, ...rest } = outcome;
  return {
    done: end === "done",
    ...(end === "done" ? {} : { reason: end }),
    ...rest,
    pendingBytes: remaining.bytes,
    pendingFiles: remaining.files,
    durationMs: Math.round(durationMs),
  };
}
