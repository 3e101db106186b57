/**
 * `weave-wal flush`, once: sends what stood in the logs when it began.
 *
 * @module
 */

import { throwIfStopped } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { type FlushJob, type WaitEnd, waitForTargets } from "./wait.ts";
import { FlushTargets } from "./targets.ts";
import { flushJson, type FlushOutcome, flushText, holdersOf } from "./outcome.ts";
import { formatBytes, formatCount, plural, printable } from "../terminal/format.ts";
import { beginProgress, Rate } from "../terminal/progress.ts";
import { TreeSender } from "./directory_sender.ts";

/** Most ms between two attempts while somebody waits. */
const RETRY_MAX_MS = 10_000;
/** Ms between two lines about how far it is, where there is no terminal for a bar. */
const TELL_MS = 30_000;

/** Sends what is there; resolves with the exit code. */
export async function flushOnce(job: FlushJob, timeoutMs: number | undefined): Promise<number> {
  const { context, settings, filter, json } = job;
  const { runtime, terminal: { out, err }, stop } = context;
  const { clock } = runtime;
  const begun = clock.monotonic();
  const root = settings.walDir;
  const targets = FlushTargets.take(runtime, root, filter, settings.serverUrl);
  const { dim, red, yellow } = err.colours;
  const progress = await beginProgress(context.terminal, clock, "Sending", targets.total, "always");
  let lines: string[] = [];
  const sender = new TreeSender({
    ...job,
    runtime,
    settings: { ...settings, retryMaxMs: Math.min(settings.retryMaxMs, RETRY_MAX_MS) },
    onEvent: ({ level, message }) => {
      if (level !== "info") lines.push((level === "error" ? red : yellow)(message));
    },
  });
  const rate = new Rate(clock);
  let toldAt = begun;
  let end: WaitEnd = "done";
  try {
    if (targets.look().files > 0) {
      sender.start();
      end = await waitForTargets(context, targets, {
        timeoutMs,
        stop,
        isRefused: () => sender.report.state === "held",
        onLook({ bytes }) {
          const { delivered, state, reason } = sender.report;
          const text = plural(delivered, "record");
          const more = `, ${formatCount(rate.at(delivered))}/s`;
          progress.update(
            targets.total - bytes,
            targets.total,
            state === "up" ? { text, more } : { trouble: printable(`${state}: ${reason}`), text },
          );
          if (!err.isTerminal && clock.monotonic() - toldAt >= TELL_MS) {
            toldAt = clock.monotonic();
            lines.push(
              dim(`${formatBytes(bytes)} of ${formatBytes(targets.total)} left, ${text}${more}`),
            );
          }
          // A bar and a line share the terminal: lines wait until the bar is gone.
          if (!err.isTerminal && lines.length > 0) {
            err.write(`${lines.join("\n")}\n`).catch(() => {});
            lines = [];
          }
        },
      });
    }
  } finally {
    progress.stop();
    await sender.stop();
  }
  const remaining = targets.look();
  const { delivered, deadLettered } = sender.report;
  const outcome: FlushOutcome = {
    end: remaining.files === 0 ? "done" : end,
    delivered,
    deadLettered,
    sentBytes: targets.total - remaining.bytes,
    remaining,
    holders: holdersOf(targets.left()),
    others: targets.others,
    durationMs: clock.monotonic() - begun,
    lastError: sender.report.lastError?.message ?? null,
  };
  if (lines.length > 0) await err.write(`${[...new Set(lines)].join("\n")}\n`);
  await out.write(
    json ? `${JSON.stringify(flushJson(outcome), null, 2)}\n` : flushText(outcome, out.colours),
  );
  if (outcome.end !== "done") throwIfStopped(stop);
  return outcome.end === "done" && deadLettered === 0 ? EXIT.ok : EXIT.failed;
}
