/**
 * A relay in the process of the test, in front of a mock server.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "@std/path";
import { createLogger } from "../../../src/client/logger.ts";
import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import { resolveSettings, type Settings } from "../../../src/client/settings/settings.ts";
import { Relay, type RelayLimits, type RelayOptions } from "../../../src/relay/relay.ts";
import { listenFor } from "../../../src/relay/routes.ts";
import type { Listener } from "../../../src/http_server/listen.ts";
import { commandIds } from "../../../src/cli/context.ts";
import { DirectorySender } from "../../../src/cli/flush/directory_sender.ts";
import { writerToken } from "../../../src/wal/segment/segment_name.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";

/** The key of the relay, unknown to callers. */
export const RELAY_KEY = "relay-key-0123456789abcdef0123456789abcdef";

/** Options of a relay under test. */
export interface TestRelayOptions {
  readonly server: string;
  /** Directory of the logs; by default a temporary one, removed at the end. */
  readonly walDir?: string;
  readonly settings?: Partial<Settings>;
  readonly limits?: Partial<RelayLimits>;
  readonly tokens?: readonly string[];
  readonly maxConnections?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly commit?: RelayOptions["commit"];
  readonly redacts?: boolean;
  readonly defaultProject?: string;
  readonly runtime?: Runtime;
  /** Whether logs that were closed earlier are sent too, as by the command (default: `false`). */
  readonly recovers?: boolean;
}

/** A listening relay. */
export interface TestRelay extends AsyncDisposable {
  readonly url: string;
  readonly relay: Relay;
  readonly walDir: string;
  readonly events: readonly WalEvent[];
  /** Stops it as SIGTERM does, after delivering for at most `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a relay. */
export async function startRelay(options: TestRelayOptions): Promise<TestRelay> {
  const folder = options.walDir ?? await mkdtemp(join(tmpdir(), "weave-wal-relay-"));
  const runtime = options.runtime ?? detectRuntime();
  const settings: Settings = {
    ...resolveSettings(runtime, {
      wal: true,
      walDir: join(folder, "wal"),
      serverUrl: options.server,
      baseUrl: options.server,
      apiKey: RELAY_KEY,
      lingerMs: 5,
    }, "needed"),
    ...options.settings,
  };
  const events: WalEvent[] = [];
  const relay = new Relay({
    runtime,
    settings,
    fetch: (url, init) => fetch(url, init),
    logger: createLogger("debug", { warn: () => {} }, (event) => events.push(event)),
    commit: options.commit ?? "group",
    tokens: options.tokens ?? null,
    defaultProject: options.defaultProject,
    ...(options.redacts === undefined ? {} : { redacts: options.redacts }),
    ...(options.limits ? { limits: options.limits } : {}),
  });
  const listener: Listener = await listenFor(relay, {
    hostname: "127.0.0.1",
    port: 0,
    maxConnections: options.maxConnections ?? 1_000,
    engine: options.maxConnections === undefined ? "native" : "node",
    tls: options.tls,
  });
  const sender = options.recovers ? recoverySender(runtime, settings) : null;
  sender?.start();
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number): Promise<void> => {
    // A failed test may leave a request in progress.
    if (graceMs > 0) await relay.stop();
    await listener.close();
    await relay.finish(graceMs);
    await sender?.stop();
  };
  return {
    url: `http${options.tls ? "s" : ""}://127.0.0.1:${listener.port}`,
    relay,
    walDir: settings.walDir,
    events,
    stop: (graceMs = 10_000) => stopped ??= stop(graceMs),
    async [Symbol.asyncDispose]() {
      await (stopped ??= stop(0));
      if (options.walDir === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function recoverySender(runtime: Runtime, settings: Settings): DirectorySender {
  const newId = commandIds(runtime);
  return new DirectorySender({
    runtime,
    settings,
    filter: {},
    token: writerToken(newId(), settings.serverUrl),
    newId,
    onEvent: () => {},
  });
}
