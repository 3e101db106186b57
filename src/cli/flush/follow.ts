/**
 * `weave-wal flush --follow`: the sender of programs that only write, for as long as it runs.
 *
 * @module
 */

import { EXIT } from "../exit_codes.ts";
import { FlushTargets } from "./targets.ts";
import { type FlushJob, waitForTargets } from "./wait.ts";
import { pause } from "../context.ts";
import { followScreen } from "./follow_screen.ts";
import { formatDuration } from "../terminal/format.ts";
import { type SenderEvent, TreeSender } from "./directory_sender.ts";

/** Ms between two looks at how much waits. */
const LOOK_MS = 1_000;

/**
 * Sends until it is asked to end, then for `graceMs` more at most; resolves with the exit code: 0
 * after SIGTERM, which is how such a process ends in good order.
 */
export async function follow(job: FlushJob, graceMs: number): Promise<number> {
  const { context, settings, filter } = job;
  const { runtime, stop } = context;
  const screen = await followScreen(job);
  const onEvent = (event: SenderEvent): void => screen.event(event);
  const sender = new TreeSender({ ...job, runtime, onEvent });
  // One project that cannot be read must not keep the others from being sent.
  const look = (): FlushTargets =>
    FlushTargets.take(
      runtime,
      settings.walDir,
      filter,
      settings.serverUrl,
      (_, error) => sender.trouble("logs", error),
    );
  onEvent({
    level: "info",
    name: "following",
    message: `Following ${settings.walDir}, sending to ${settings.serverUrl}`,
  });
  sender.start();
  try {
    while (!stop.aborted) {
      screen.look(sender.report, look());
      await pause(runtime.clock, LOOK_MS, stop);
    }
    const targets = look();
    onEvent({
      level: "info",
      name: "stopping",
      message: `Ending on ${stop.reason}: sending what is there, ${
        formatDuration(graceMs)
      } at most`,
    });
    await waitForTargets(context, targets, {
      timeoutMs: graceMs,
      isRefused: () => sender.report.state === "held",
      onLook: () => {},
    });
  } finally {
    await sender.stop();
    await screen.done(sender.report, look());
  }
  return stop.reason === "SIGTERM" ? EXIT.ok : EXIT.interrupted;
}
