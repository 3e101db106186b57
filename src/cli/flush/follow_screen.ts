/**
 * Output of `flush --follow`: a live status line on a terminal, otherwise log lines, or JSON lines
 * for programs.
 *
 * @module
 */

import { escapeControls } from "../../protocol/escape_controls.ts";
import type { SenderReport } from "../../wal/processes/presence_state.ts";
import type { Context } from "../context.ts";
import { formatBytes, formatCount, formatDuration, plural, printable } from "../terminal/format.ts";
import { Rate } from "../terminal/progress.ts";
import type { SenderEvent } from "./sender_reporter.ts";

/** Pending records. */
export interface Waiting {
  /** Bytes. */
  readonly total: number;
}

/** Output of `flush --follow`. */
export interface FollowScreen {
  /** Reports an event. */
  event(event: SenderEvent): void;
  /** Shows the current state; called every second. */
  look(report: SenderReport, waiting: Waiting): void;
  /** Ends the output. */
  done(report: SenderReport, waiting: Waiting): Promise<void>;
}

/** Ms between two lines with the current state, without a terminal. */
const TELL_MS = 60_000;

/** Creates the output for the current environment. */
export async function followScreen(job: {
  readonly context: Context;
  readonly json: boolean;
}): Promise<FollowScreen> {
  const { context: { terminal: { out, err }, runtime: { clock } }, json } = job;
  const { red, yellow, dim } = err.colors;
  const paint = { info: dim, warn: yellow, error: red };
  const moving = err.isTerminal && !json
    ? (await import("log-update")).createLogUpdate(err.stream)
    : null;
  const rate = new Rate(clock);
  let toldAt = clock.monotonic();
  let writing: Promise<unknown> = Promise.resolve();

  function print(event: SenderEvent, facts: Record<string, unknown> = {}): void {
    const at = new Date(clock.now()).toISOString();
    if (json) {
      const { name, ...rest } = event;
      say(out, escapeControls(`${JSON.stringify({ at, event: name, ...rest, ...facts })}\n`));
      return;
    }
    const line = `${dim(at)} ${paint[event.level](printable(event.message))}`;
    if (moving) moving.persist(line);
    else say(err, `${line}\n`);
  }

  /** Writes in order; a closed output is ignored. */
  function say(output: typeof out, text: string): void {
    writing = writing.then(() => output.write(text)).catch(() => {});
  }

  function summaryOf(report: SenderReport, waiting: Waiting): string {
    const { delivered, deadLettered, state, reason, since } = report;
    return [
      `${plural(delivered, "record")} sent`,
      `${formatCount(rate.at(delivered))}/s`,
      `${formatBytes(waiting.total)} waiting`,
      ...(deadLettered > 0 ? [red(plural(deadLettered, "dead letter"))] : []),
      ...(state === "up"
        ? []
        : [yellow(`${state} since ${formatDuration(clock.now() - since)}: ${reason}`)]),
    ].join(" · ");
  }

  const factsOf = (report: SenderReport, waiting: Waiting): Record<string, unknown> => ({
    delivered: report.delivered,
    deadLettered: report.deadLettered,
    pendingBytes: waiting.total,
    server: report.server,
    state: report.state,
    reason: report.reason || null,
  });

  return {
    event: (event) => print(event),
    look(report, waiting) {
      const text = summaryOf(report, waiting);
      if (moving) return moving(text);
      if (clock.monotonic() - toldAt < TELL_MS) return;
      toldAt = clock.monotonic();
      const level = report.state === "up" ? "info" : "warn";
      print({ level, name: "status", message: text }, factsOf(report, waiting));
    },
    async done(report, waiting) {
      moving?.clear();
      const left = waiting.total === 0 ? "nothing is left" : `${formatBytes(waiting.total)} left`;
      print(
        {
          level: waiting.total === 0 ? "info" : "warn",
          name: "stopped",
          message: `Ended: ${plural(report.delivered, "record")} sent, ${left}`,
        },
        factsOf(report, waiting),
      );
      moving?.done();
      await writing;
    },
  };
}
