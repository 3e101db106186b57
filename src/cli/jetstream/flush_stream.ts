/**
 * `weave-wal flush --log nats://…`: sends the records of a stream; with `--follow`, continuously.
 *
 * @module
 */

import type { Settings } from "../../client/settings/settings.ts";
import type { NatsEngine } from "../../jetstream/nats/nats_engine.ts";
import { writerToken } from "../../wal/segment/segment_name.ts";
import { commandIds, type Context, pause, throwIfStopped } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { followScreen } from "../flush/follow_screen.ts";
import { type SenderEvent, stoppingEvent } from "../flush/sender_reporter.ts";
import { formatDuration, plural } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { type ListenAddress, type MetricsServer, serveMetrics } from "../metrics/metrics_server.ts";
import { statusMetrics } from "../metrics/status_metrics.ts";
import { openStores } from "../../jetstream/nats/open_stores.ts";
import { openStream, streamAddress } from "./log_option.ts";
import { StreamStatus } from "./stream_status.ts";
import { StreamSending } from "./sending.ts";

/** Ms between two counts of pending records. */
const LOOK_MS = 1_000;
/** Ms between two counts while the user waits. */
const WAIT_LOOK_MS = 100;

/** Options for flushing a stream. */
export interface StreamFlushJob {
  readonly context: Context;
  readonly settings: Settings;
  readonly log: string;
  readonly json: boolean;
}

/**
 * Sends until it is asked to end, then for at most `graceMs` more. Resolves with the exit code: 0
 * after SIGTERM, the regular way to stop such a process.
 */
export async function followStream(
  job: StreamFlushJob,
  graceMs: number,
  metrics: ListenAddress | null,
): Promise<number> {
  const { context, settings, log } = job;
  const { runtime: { clock }, stop } = context;
  const screen = await followScreen(job);
  const onEvent = (event: SenderEvent): void => screen.event(event);
  const engine = await openStream(context.runtime, log, { server: settings.serverUrl });
  const sending = sendingOf(job, engine, onEvent);
  const served = metrics === null
    ? null
    : await serveStreamMetrics(job, metrics).catch(async (error) => {
      await engine.close();
      throw error;
    });
  let waiting = { total: 0 };
  const look = async (): Promise<void> => {
    try {
      waiting = { total: (await engine.state()).bytes };
    } catch (error) {
      sending.trouble("stream", error);
    }
  };
  onEvent({
    level: "info",
    name: "following",
    message: `Following ${nameOf(engine)}, sending to ${settings.serverUrl}`,
  });
  if (served !== null) {
    onEvent({ level: "info", name: "metrics", message: `Serving metrics at ${served.url}` });
  }
  sending.start();
  try {
    while (!stop.aborted) {
      await look();
      screen.look(sending.report, waiting);
      await pause(clock, LOOK_MS, stop);
    }
    onEvent(stoppingEvent(stop.reason, graceMs));
    await delivered(job, engine, sending, graceMs);
  } finally {
    await served?.close();
    await sending.stop();
    await look();
    await screen.done(sending.report, waiting);
    await engine.close();
  }
  return stop.reason === "SIGTERM" ? EXIT.ok : EXIT.interrupted;
}

/** Sends everything that is in the stream now; resolves with the exit code. */
export async function flushStream(
  job: StreamFlushJob,
  timeoutMs: number | undefined,
): Promise<number> {
  const { context, settings, log, json } = job;
  const { runtime, terminal: { out, err }, stop } = context;
  const engine = await openStream(runtime, log, { server: settings.serverUrl });
  const begun = runtime.clock.monotonic();
  const sending = sendingOf(job, engine, ({ level, message }) => {
    if (level !== "info") err.write(`${err.colors.yellow(message)}\n`).catch(() => {});
  });
  sending.start();
  let end: "done" | "timeout" | "refused" | "stopped";
  let left: number;
  try {
    end = await delivered(job, engine, sending, timeoutMs, stop);
    left = (await engine.state()).messages;
  } finally {
    await sending.stop();
    await engine.close();
  }
  const { delivered: records, deadLettered, lastError } = sending.report;
  const durationMs = Math.round(runtime.clock.monotonic() - begun);
  if (json) {
    const value = {
      done: end === "done",
      ...(end === "done" ? {} : { reason: end }),
      server: settings.serverUrl,
      delivered: records,
      deadLettered,
      pendingMessages: left,
      lastError: lastError?.message ?? null,
      durationMs,
    };
    await writeJson(out, `${JSON.stringify(value, null, 2)}\n`);
  } else {
    const lines = [`Delivered ${plural(records, "record")} in ${formatDuration(durationMs)}`];
    if (deadLettered > 0) {
      lines.push(`${plural(deadLettered, "record")} rejected, kept as dead letters`);
    }
    if (end !== "done") lines.push(`Still in the stream: ${plural(left, "message")} (${end})`);
    await out.write(`${lines.join("\n")}\n`);
  }
  if (end !== "done") throwIfStopped(stop);
  return end === "done" && deadLettered === 0 ? EXIT.ok : EXIT.failed;
}

/** Serves metrics of the whole stream, of which a part was counted before. */
async function serveStreamMetrics(
  { context: { runtime }, log }: StreamFlushJob,
  address: ListenAddress,
): Promise<MetricsServer> {
  const stores = await openStores(runtime, await streamAddress(log));
  try {
    const status = new StreamStatus(runtime, stores, log, {});
    const server = await serveMetrics(address, async () => statusMetrics(await status.report()));
    const close = async (): Promise<void> => {
      await server.close();
      await stores.close();
    };
    return { url: server.url, close };
  } catch (error) {
    await stores.close();
    throw error;
  }
}

function sendingOf(
  { context: { runtime }, settings }: StreamFlushJob,
  engine: NatsEngine,
  onEvent: (event: SenderEvent) => void,
): StreamSending {
  const newId = commandIds(runtime);
  const token = writerToken(newId(), settings.serverUrl);
  return new StreamSending({ ...engine.facts, runtime, settings, engine, token, newId, onEvent });
}

/** Waits until everything that is in the stream now is delivered, by any sender. */
async function delivered(
  { context: { runtime: { clock } } }: StreamFlushJob,
  engine: NatsEngine,
  sending: StreamSending,
  timeoutMs: number | undefined,
  stop?: AbortSignal,
): Promise<"done" | "timeout" | "refused" | "stopped"> {
  const begun = clock.monotonic();
  let last: number | null = null;
  for (;;) {
    try {
      last ??= (await engine.state()).lastSeq;
      const oldest = await engine.first(`${engine.facts.prefix}.>`, 1);
      if (oldest === null || oldest.seq > last) return "done";
    } catch (error) {
      sending.trouble("stream", error);
    }
    if (stop?.aborted) return "stopped";
    if (sending.report.state === "blocked") return "refused";
    const left = timeoutMs === undefined ? Infinity : timeoutMs - (clock.monotonic() - begun);
    if (left <= 0) return "timeout";
    sending.sender.sendNow();
    await pause(clock, Math.min(left, WAIT_LOOK_MS), stop);
  }
}

function nameOf({ facts: { name, partitions } }: NatsEngine): string {
  return `stream ${name} (${plural(partitions, "partition")})`;
}
