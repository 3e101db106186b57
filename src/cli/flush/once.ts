/**
 * `weave-wal flush` without `--follow`: sends everything that is pending when it starts.
 *
 * @module
 */

import { throwIfStopped } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { type FlushJob, type WaitEnd, waitForTargets } from "./wait.ts";
import { FlushTargets } from "./targets.ts";
import {
  flushJson,
  type FlushOutcome,
  flushText,
  helpFor,
  holdersOf,
  MAX_HELD,
} from "./outcome.ts";
import { OtherSenders } from "./other_senders.ts";
import type { SenderReport } from "../../wal/processes/presence_state.ts";
import { missingLogs } from "../logs/projects.ts";
import { formatBytes, formatCount, plural, printable } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { beginProgress, Rate } from "../terminal/progress.ts";
import { DirectorySender } from "./directory_sender.ts";

/** Maximum ms between two attempts while the user waits. */
const RETRY_MAX_MS = 10_000;
/** Ms without progress after which a disk that refuses changes ends the wait. */
const UNWRITABLE_MS = 3_000;
/** Ms between two progress lines, without a terminal. */
const TELL_MS = 30_000;

/** Returns the state of this sender, or of another one that this flush waits for. */
function troubleOf(
  own: SenderReport,
  { trouble }: OtherSenders,
): { state: SenderReport["state"] | "unresponsive"; reason: string } {
  return own.state === "up" && trouble !== null ? trouble : own;
}

/** Sends everything that is pending; resolves with the exit code. */
export async function flushOnce(job: FlushJob, timeoutMs: number | undefined): Promise<number> {
  const { context, settings, filter, json } = job;
  const { runtime, terminal: { out, err }, stop } = context;
  const { clock } = runtime;
  const begun = clock.monotonic();
  const root = settings.walDir;
  const server = settings.serverUrl;
  const targets = await FlushTargets.take({ runtime, root, filter, server, token: job.token });
  const others = new OtherSenders(runtime, root);
  const { dim, red, yellow } = err.colors;
  const progress = await beginProgress(context.terminal, clock, "Sending", targets.total, "always");
  let lines: string[] = [];
  const sender = new DirectorySender({
    ...job,
    runtime,
    settings: { ...settings, retryMaxMs: Math.min(settings.retryMaxMs, RETRY_MAX_MS) },
    onEvent: ({ level, message }) => {
      if (level !== "info") lines.push((level === "error" ? red : yellow)(message));
    },
  });
  const rate = new Rate(clock);
  let toldAt = begun;
  let progressAt = begun;
  let left = -1;
  let end: WaitEnd = "done";
  try {
    if ((await targets.look()).files > 0) {
      sender.start();
      end = await waitForTargets(context, targets, {
        timeoutMs,
        stop,
        obstacle: () => {
          if (sender.report.state === "blocked") return "refused";
          const isStuck = clock.monotonic() - progressAt >= UNWRITABLE_MS;
          return sender.isUnwritable && isStuck ? "unwritable" : others.obstacle;
        },
        async onLook({ bytes, files }) {
          await others.look(targets);
          if (bytes + files !== left) progressAt = clock.monotonic();
          left = bytes + files;
          const { delivered } = sender.report;
          const { state, reason } = troubleOf(sender.report, others);
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
          // The bar and the lines share the terminal: lines wait until the bar is removed.
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
  const remaining = await targets.look();
  const { delivered, deadLettered } = sender.report;
  const outcome: FlushOutcome = {
    end: remaining.files === 0 ? "done" : end,
    server,
    delivered,
    deadLettered,
    sentBytes: targets.total - remaining.bytes,
    sentByOthersBytes: targets.byOthers,
    remaining,
    holders: holdersOf(await targets.states(MAX_HELD)),
    help: remaining.files === 0 ? [] : helpFor(others),
    others: targets.others,
    missing: await missingLogs(runtime, root, filter),
    durationMs: clock.monotonic() - begun,
    inMemory: await others.heldInMemory(server, filter),
    lastError: others.trouble?.reason ?? sender.report.lastError?.message ?? null,
  };
  if (lines.length > 0) await err.write(`${[...new Set(lines)].join("\n")}\n`);
  if (json) await writeJson(out, `${JSON.stringify(flushJson(outcome), null, 2)}\n`);
  else await out.write(flushText(outcome, out.colors));
  if (outcome.end !== "done") throwIfStopped(stop);
  const isDone = outcome.end === "done" && deadLettered === 0 && outcome.inMemory.records === 0;
  return isDone ? EXIT.ok : EXIT.failed;
}
