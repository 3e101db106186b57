/**
 * Connects to the servers of a log, with the options from the environment.
 * The variables are those of the `nats` command. Messages never contain their values.
 * @module
 */

import type { ConnectionOptions, NatsConnection } from "@nats-io/transport-node";
import { WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { EngineError } from "../engine.ts";
import { asEngineError, errorParts } from "./errors.ts";
import type { NatsModules } from "./modules.ts";
import { STREAM_DEFAULTS } from "./stream_config.ts";

/** Ms between attempts to reconnect. */
const RECONNECT_MS = 500;
/** Ms between pings, and maximum number of unanswered pings. */
const PING_MS = 5_000;
const PINGS = 2;

/** Value of `--log`. */
export interface LogAddress {
  /** Each as `host:port`. */
  readonly servers: readonly string[];
  /** Name of the stream. */
  readonly stream: string;
  readonly tls: boolean;
}

const ADDRESS = /^(nats|tls):\/\/([^/?#]+)(?:\/([^/?#]*))?$/;
/** Characters of a stream name that both the engine and file systems accept. */
const STREAM_NAME = /^[A-Za-z0-9_-]{1,200}$/;

/**
 * Parses `nats://host1,host2:4222,host3[/STREAM]`, or `tls://…`.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function parseLogAddress(text: string): LogAddress {
  const [, scheme, hosts, name = ""] = ADDRESS.exec(text) ?? [];
  const stream = name === "" ? STREAM_DEFAULTS.name : name;
  const servers = hosts?.split(",").filter((host) => host !== "") ?? [];
  if (hosts?.includes("@")) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      "Cannot use --log with a password in it: set NATS_USER and NATS_PASSWORD",
    );
  }
  if (servers.length === 0 || !STREAM_NAME.test(stream)) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Cannot use --log ${JSON.stringify(text)}: it is not nats://host1,host2,host3[/STREAM]`,
    );
  }
  return {
    servers: servers.map((host) => /:\d+$/.test(host) ? host : `${host}:4222`),
    stream,
    tls: scheme === "tls",
  };
}

/** Formats the address for messages. */
export function formatAddress({ servers, stream, tls }: LogAddress): string {
  return `${tls ? "tls" : "nats"}://${servers.join(",")}/${stream}`;
}

/**
 * Connects; the client then reconnects automatically, without a time limit.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an unreadable file, and for credentials that the
 * servers reject. @throws {EngineError} `away`.
 */
export async function connectTo(
  modules: NatsModules,
  runtime: Runtime,
  { servers, tls }: LogAddress,
): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: [...servers],
    name: "weave-wal",
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: PINGS,
    timeout: 5_000,
    // Otherwise, each request creates two errors in advance: a fifth of a sender's CPU on Node.
    noAsyncTraces: true,
    ...credentialsOf(modules, runtime),
    ...tlsOf(runtime, tls),
  };
  try {
    return await modules.transport.connect(options);
  } catch (error) {
    const { name } = error as Error;
    if (name === "AuthorizationError" || name === "UserAuthenticationExpiredError") {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        `Cannot connect to ${
          servers.join(", ")
        }: the servers reject the credentials (NATS_CREDS, NATS_NKEY, NATS_TOKEN, NATS_USER)`,
      );
    }
    const { message } = errorParts(error);
    throw new EngineError(
      asEngineError(error).failure,
      `Cannot connect to ${servers.join(", ")}: ${message}`,
    );
  }
}

function credentialsOf(
  { transport }: NatsModules,
  runtime: Runtime,
): Partial<ConnectionOptions> {
  const env = (name: string): string | undefined => runtime.process.env(name) || undefined;
  const [nkey, creds] = [env("NATS_NKEY"), env("NATS_CREDS")];
  if (creds !== undefined) {
    const bytes = new TextEncoder().encode(fileText(runtime, "NATS_CREDS", creds));
    return { authenticator: transport.credsAuthenticator(bytes) };
  }
  if (nkey !== undefined) {
    const seed = new TextEncoder().encode(fileText(runtime, "NATS_NKEY", nkey).trim());
    return { authenticator: transport.nkeyAuthenticator(seed) };
  }
  const token = env("NATS_TOKEN");
  if (token !== undefined) return { token };
  const [user, pass] = [env("NATS_USER"), env("NATS_PASSWORD")];
  return user === undefined ? {} : { user, ...(pass === undefined ? {} : { pass }) };
}

function tlsOf(runtime: Runtime, wanted: boolean): Partial<ConnectionOptions> {
  const text = (name: string): string | undefined => {
    const path = runtime.process.env(name);
    return path ? fileText(runtime, name, path) : undefined;
  };
  const [ca, cert, key] = [text("NATS_CA"), text("NATS_CERT"), text("NATS_KEY")];
  if (!wanted && ca === undefined && cert === undefined) return {};
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

function fileText(runtime: Runtime, variable: string, path: string): string {
  try {
    return runtime.files.readText(path, { followLinks: true });
  } catch (error) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Cannot read the file of ${variable}: ${(error as Error).message}`,
    );
  }
}
