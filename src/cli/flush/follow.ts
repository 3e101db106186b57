/**
 * `weave-wal flush --follow`: sends continuously, for write-only programs.
 *
 * @module
 */

import { EXIT } from "../exit_codes.ts";
import { type ListenAddress, serveMetrics } from "../metrics/metrics_server.ts";
import { statusMetrics } from "../metrics/status_metrics.ts";
import type { MetricSamples } from "../../metrics/exposition.ts";
import { StatusReporter } from "../status/state/directory_status.ts";
import { FlushTargets } from "./targets.ts";
import { type FlushJob, waitForTargets } from "./wait.ts";
import { pause } from "../context.ts";
import { followScreen } from "./follow_screen.ts";
import { DirectorySender } from "./directory_sender.ts";
import { type SenderEvent, stoppingEvent } from "./sender_reporter.ts";

/** Ms between two counts of pending records. */
const LOOK_MS = 1_000;
/** Counting thousands of files takes a while: at most 1/10 of the time is spent on it. */
const SHARE = 10;

/**
 * Sends until it is asked to end, then for at most `graceMs` more. Resolves with the exit code: 0
 * after SIGTERM, the regular way to stop such a process.
 *
 * @param metrics Address for serving metrics; `null` for none.
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
  // An unreadable project must not prevent the delivery of others.
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
    onEvent(stoppingEvent(stop.reason, graceMs));
    await waitForTargets(context, targets, {
      timeoutMs: graceMs,
      obstacle: () => sender.report.state === "blocked" ? "refused" : null,
      onLook: () => {},
    });
  } finally {
    await served?.close();
    await sender.stop();
    await screen.done(sender.report, await look());
  }
  return stop.reason === "SIGTERM" ? EXIT.ok : EXIT.interrupted;
}

/** Returns the metrics of all logs in the root directory, with cached counts. */
function metricsOf({ context, settings, filter }: FlushJob): () => Promise<MetricSamples> {
  const reporter = new StatusReporter(context.runtime, settings.walDir, filter);
  return async () => statusMetrics(await reporter.report());
}
