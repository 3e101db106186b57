/**
 * Runs a relay from start to end: its port, its logs, and the sender of orphaned segments.
 *
 * @module
 */

import { hostFetch } from "../../client/server/host_fetch.ts";
import { createLogger } from "../../client/logger.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { unencrypted } from "../../client/settings/urls.ts";
import { isLocalAddress, readTokens } from "../../relay/access.ts";
import { Relay, RELAY_LIMITS } from "../../relay/relay.ts";
import { listenFor } from "../../relay/routes.ts";
import type { Listener } from "../../http_server/listen.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { writerToken } from "../../wal/segment/segment_name.ts";
import { commandIds, type Context, pause } from "../context.ts";
import { CommandError, EXIT } from "../exit_codes.ts";
import { DirectorySender } from "../flush/directory_sender.ts";
import { statusMetrics } from "../metrics/status_metrics.ts";
import { StatusReporter } from "../status/state/directory_status.ts";
import { formatDuration, plural } from "../terminal/format.ts";
import type { RelayFlags } from "./relay_flags.ts";
import { type RelayEvent, relayOutput } from "./relay_output.ts";

/** Ms to finish requests in progress after SIGTERM. */
const DRAIN_MS = 5_000;

/** Runs a relay until it is asked to end; resolves with the exit code. */
export async function runRelay(
  context: Context,
  settings: Settings,
  flags: RelayFlags,
): Promise<number> {
  const { runtime, stop } = context;
  const { hostname } = flags.listen;
  const tokens = tokensOf(runtime, flags);
  const refused = unencrypted(settings.serverUrl, settings.allowHttp, "the trace server");
  if (refused) throw refused;
  const output = relayOutput(context, flags.json ?? false);
  const newId = commandIds(runtime);
  const stream = flags.log === undefined
    ? null
    : await (await import("../jetstream/relay_stream.ts"))
      .openRelayStream({ runtime, settings, flags: { ...flags, log: flags.log }, newId, output });
  const reporter = new StatusReporter(runtime, settings.walDir, {});
  const relay = new Relay({
    runtime,
    settings,
    fetch: hostFetch,
    logger: createLogger("info", { warn: () => {} }, output.event),
    commit: flags.fsync,
    tokens,
    defaultProject: flags.project,
    redacts: flags.redact,
    collectMetrics: async () => statusMetrics(await reporter.report()),
    limits: {
      maxRequestBytes: flags.maxRequest * 1024 * 1024,
      maxRequests: flags.maxRequests,
      ...(flags.maxConnections === undefined ? {} : { maxOpenRequests: flags.maxConnections }),
    },
    ...(stream ? { openPipeline: stream.openPipeline } : {}),
  });
  const sender = new DirectorySender({
    runtime,
    settings,
    filter: {},
    token: writerToken(newId(), settings.serverUrl),
    newId,
    onEvent: output.event,
  });
  const listener = await open(runtime, relay, flags);
  sender.start();
  stream?.start();
  const scheme = flags.tlsCert === undefined ? "http" : "https";
  const address = `${scheme}://${hostname.includes(":") ? `[${hostname}]` : hostname}`;
  output.event(info(
    "listening",
    `Listening on ${address}:${listener.port}, log in ${stream?.place ?? settings.walDir}, ` +
      (stream ? "for " : "sending to ") + settings.serverUrl,
  ));
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve());
  });
  output.event(info(
    "stopping",
    `Ending on ${stop.reason}: sending pending records for at most ${formatDuration(flags.grace)}`,
  ));
  await Promise.race([relay.stop(), pause(runtime.clock, DRAIN_MS)]);
  await listener.close();
  await relay.finish(flags.grace);
  await sender.stop();
  await stream?.stop();
  const { writes, records } = relay.counters;
  output.event(info(
    "stopped",
    `Ended: accepted ${plural(writes, "request")} with ${plural(records, "record")}`,
  ));
  await output.written();
  return stop.reason === "SIGTERM" ? EXIT.ok : EXIT.interrupted;
}

/** @throws {CommandError} If remote callers could connect without a token. */
function tokensOf(runtime: Runtime, { listen, tokenFile }: RelayFlags): string[] | null {
  if (tokenFile === undefined) {
    if (isLocalAddress(listen.hostname)) return null;
    throw new CommandError(
      `Cannot listen on ${listen.hostname} without --token-file: others could write with your key`,
      {
        hint:
          "Create a token with: openssl rand -hex 20 > tokens. --listen 127.0.0.1:4318 needs none",
      },
    );
  }
  try {
    return readTokens(fileText(runtime, tokenFile));
  } catch (error) {
    throw new CommandError(`Cannot use --token-file ${tokenFile}: ${(error as Error).message}`);
  }
}

async function open(runtime: Runtime, relay: Relay, flags: RelayFlags): Promise<Listener> {
  const { listen: { hostname, port }, tlsCert, tlsKey, maxConnections } = flags;
  try {
    return await listenFor(relay, {
      hostname,
      port,
      maxConnections: maxConnections ?? RELAY_LIMITS.maxOpenRequests,
      engine: maxConnections === undefined ? "native" : "node",
      tls: tlsCert === undefined
        ? undefined
        : { cert: fileText(runtime, tlsCert), key: fileText(runtime, tlsKey!) },
    });
  } catch (error) {
    throw new CommandError(`Cannot listen on ${hostname}:${port}: ${(error as Error).message}`);
  }
}

function fileText(runtime: Runtime, path: string): string {
  return runtime.files.readText(path, { followLinks: true });
}

function info(name: string, message: string): RelayEvent {
  return { level: "info", name, message };
}
