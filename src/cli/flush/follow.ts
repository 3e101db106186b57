/**
 * `weave-wal flush --follow`: the sender of programs that only write, for as long as it runs.
 *
 * @module
 */

import { EXIT } from "../exit_codes.ts";
import { type ListenAddress, serveMetrics } from "../metrics/metrics_server.ts";
import { statusMetrics } from "../metrics/status_metrics.ts";
import type { MetricSamples } from "../../metrics/exposition.ts";
import { StatusReporter } from "../status/report.ts";
import { FlushTargets } from "./targets.ts";
import { type FlushJob, waitForTargets } from "./wait.ts";
import { pause } from "../context.ts";
import { followScreen } from "./follow_screen.ts";
import { formatDuration } from "../terminal/format.ts";
import { DirectorySender } from "./directory_sender.ts";
import type { SenderEvent } from "./sender_reporter.ts";

/** Ms between two looks at how much is pending. */
const LOOK_MS = 1_000;
/** A look at thousands of files takes a while: most of the time belongs to the sending. */
const SHARE = 10;

/**
 * Sends until it is asked to end, then for `graceMs` more at most; resolves with the exit code: 0
 * after SIGTERM, which is how such a process ends in good order.
 *
 * @param metrics Where to serve metrics; `null` for nowhere.
 */
export async function follow(
  job: FlushJob,
  graceMs: number,
  metrics: ListenAddress | null,
): Promise<number> {
  const { context, settings, filter } = job;
  const { runtime, stop } = context;
  const served = metrics === null ? null : await serveMetrics(metrics, metricsOf(job));
  const screen = await followScreen(job);
  const onEvent = (event: SenderEvent): void => screen.event(event);
  const sender = new DirectorySender({ ...job, runtime, onEvent });
  // One project that cannot be read must not keep the others from being sent.
  const look = (): Promise<FlushTargets> =>
    FlushTargets.take({
      runtime,
      root: settings.walDir,
      filter,
      server: settings.serverUrl,
      token: job.token,
      onUnreadable: (_, error) => sender.trouble("logs", error),
    });
  const { clock } = runtime;
  onEvent({
    level: "info",
    name: "following",
    message: `Following ${settings.walDir}, sending to ${settings.serverUrl}`,
  });
  if (served !== null) {
    onEvent({ level: "info", name: "metrics", message: `Serving metrics at ${served.url}` });
  }
  sender.start();
  try {
    while (!stop.aborted) {
      const before = clock.monotonic();
      screen.look(sender.report, await look());
      const took = clock.monotonic() - before;
      await pause(clock, Math.max(LOOK_MS, took * SHARE), stop);
    }
    const targets = await look();
    onEvent({
      level: "info",
      name: "stopping",
      message: `Ending on ${stop.reason}: sending what is there, ${
        formatDuration(graceMs)
      } at most`,
    });
    await waitForTargets(context, targets, {
      timeoutMs: graceMs,
      isRefused: () => sender.report.state === "blocked",
      onLook: () => {},
    });
  } finally {
    await served?.close();
    await sender.stop();
    await screen.done(sender.report, await look());
  }
  return stop.reason === "SIGTERM" ? EXIT.ok : EXIT.interrupted;
}

/** Metrics of everything below the root, of which a part was counted before. */
function metricsOf({ context, settings, filter }: FlushJob): () => Promise<MetricSamples> {
  const reporter = new StatusReporter(context.runtime, settings.walDir, filter);
  return async () => statusMetrics(await reporter.report());
}
