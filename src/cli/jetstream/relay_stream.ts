/**
 * The stream of a relay: its connection, the projects' logs on it, and the local spool.
 *
 * @module
 */

import { openStrictPipeline } from "../../client/pipeline/create_pipeline.ts";
import type { PipelineOptions } from "../../client/pipeline/pipeline.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { hasCode } from "../../errors.ts";
import { ForwardTarget } from "../../jetstream/log/forward_target.ts";
import { formatAddress, parseLogAddress } from "../../jetstream/nats/connect.ts";
import type { NatsEngine } from "../../jetstream/nats/nats_engine.ts";
import { openEngine, planEngine } from "../../jetstream/nats/open_engine.ts";
import type { StreamSettings } from "../../jetstream/nats/stream_config.ts";
import { Spool, type SpoolLog, type SpoolRest } from "../../jetstream/log/spool.ts";
import { StreamLog } from "../../jetstream/log/stream_log.ts";
import { StreamPipeline } from "../../jetstream/log/stream_pipeline.ts";
import { GroupCommit } from "../../relay/log/group_commit.ts";
import type { OpenStrictPipeline } from "../../relay/log/relay_logs.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import {
  inspectSegments,
  isForServer,
  listSegments,
  pendingBytes,
} from "../../wal/orphans/segment_status.ts";
import { writerToken } from "../../wal/segment/segment_name.ts";
import { projectDirectory } from "../../wal/segment/project_directory.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { DirectorySender } from "../flush/directory_sender.ts";
import type { RelayFlags } from "../relay/relay_flags.ts";
import type { RelayEvent, RelayOutput } from "../relay/relay_output.ts";
import { formatBytes, plural } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";

/** Ms between two attempts to connect to the engine initially. */
const CONNECT_MS = 2_000;
const GIB = 1024 ** 3;

/** Options for a relay's stream. */
export interface RelayStreamOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly flags: RelayFlags & { readonly log: string };
  readonly newId: () => string;
  readonly output: RelayOutput;
}

/** The stream, as used by a relay. */
export interface RelayStream {
  /** Location of the log, for messages. */
  readonly place: string;
  readonly openPipeline: OpenStrictPipeline;
  /** Starts forwarding the records in the spool. */
  start(): void;
  /**
   * Closes the connection. Records in the spool stay there for the next relay with the same
   * directory.
   */
  stop(): Promise<void>;
}

/**
 * Connects and creates the stream. With a spool, the engine may be unreachable.
 *
 * @throws {EngineError} Without a spool, if the engine cannot be reached.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export async function openRelayStream(options: RelayStreamOptions): Promise<RelayStream> {
  const { runtime, settings, flags, newId, output } = options;
  const { clock } = runtime;
  const address = parseLogAddress(flags.log);
  const place = formatAddress(address);
  const spools = flags.spool === "on";
  let engine: NatsEngine | null = null;
  let retry: Timer | null = null;
  let stopped = false;
  const connect = async (): Promise<void> => {
    engine = await openEngine({ runtime, address, settings: streamSettings(settings, flags) });
    if (stopped) return await engine.close();
    const small = smallMessages(engine.maxPayload);
    if (small !== null) output.event(event("warn", "small-messages", small));
  };
  const connectLater = (): void => {
    retry = clock.after(CONNECT_MS, () => void connect().catch(failed));
  };
  const failed = (error: unknown): void => {
    if (stopped) return;
    const name = hasCode(error, "ERR_INVALID_OPTION") ? "error" : "warn";
    output.event(event(name, "stream-error", `${(error as Error).message}. Records are spooled`));
    connectLater();
  };
  try {
    await connect();
  } catch (error) {
    if (!spools || hasCode(error, "ERR_INVALID_OPTION")) throw error;
    failed(error);
  }
  const stream = () => engine && { engine, ...pick(engine) };
  const server = spoolServer(address.stream);
  const token = writerToken(newId(), server);
  const spoolSettings = { ...settings, serverUrl: server, apiKey: undefined };
  const forwarder = spools
    ? new DirectorySender({
      runtime,
      settings: spoolSettings,
      filter: {},
      token,
      newId,
      onEvent: output.event,
      makeTarget: ({ onRetry }) => new ForwardTarget({ stream, clock, token, onFailure: onRetry }),
    })
    : null;
  const openPipeline: OpenStrictPipeline = (opened) => {
    const { entity, project } = opened;
    const projectId = `${entity}/${project}`;
    const log = new StreamLog({ stream, projectId, writer: opened.token() });
    const spool = spools
      ? new Spool({
        clock,
        stream,
        log,
        open: () => spoolLog({ ...opened, serverUrl: server }),
        rest: () => spoolRest(runtime, projectDirectory(settings.walDir, entity, project), server),
        onState: (state, reason) =>
          output.event(
            state === "spooling"
              ? event("warn", "spooling", `${projectId}: writing to the disk: ${reason}`)
              : event("info", "spool-forwarded", `${projectId}: writing to the stream again`),
          ),
      })
      : null;
    return new StreamPipeline({ runtime, log, spool });
  };
  return {
    place,
    openPipeline,
    start: () => forwarder?.start(),
    async stop() {
      stopped = true;
      retry?.cancel();
      await forwarder?.stop();
      await engine?.close();
    },
  };
}

/** `weave-wal relay --log … --dry-run`: prints what a start would create and change. */
export async function printPlan(
  { runtime, terminal: { out } }: Context,
  settings: Settings,
  flags: RelayStreamOptions["flags"],
): Promise<number> {
  const address = parseLogAddress(flags.log);
  const { facts, missing, changes, maxPayload } = await planEngine({
    runtime,
    address,
    settings: streamSettings(settings, flags),
  });
  const { name, prefix, partitions, replicas, maxBytes, deadLetterBytes, server } = facts;
  if (flags.json) {
    const value = { ...facts, maxPayload, missing, changes };
    await writeJson(out, `${JSON.stringify(value, null, 2)}\n`);
    return EXIT.ok;
  }
  const small = smallMessages(maxPayload);
  const lines = [
    `Stream ${name} on ${formatAddress(address)}: ${plural(partitions, "partition")}, ` +
    `${plural(replicas, "replica")}, ${sizeOf(maxBytes)}, subjects ` +
    `${prefix}.<partition>.<entity>.<project>, for ${server ?? "any server"}, dead letters: ` +
    sizeOf(deadLetterBytes),
    ...missing.map((one) => `Would create: ${one}`),
    ...changes.map((change) => `Would change ${change}`),
  ];
  if (missing.length + changes.length === 0) lines.push("Nothing to do");
  if (small !== null) lines.push(small);
  await out.write(`${lines.join("\n")}\n`);
  return EXIT.ok;
}

function sizeOf(maxBytes: number): string {
  return maxBytes < 0 ? "no limit" : formatBytes(maxBytes);
}

/** Size of messages that holds the largest request of a trace server, and what the log adds. */
const LARGE_MESSAGE = 33_000_000;

/** Says which records a relay will refuse; `null` if it takes what a trace server takes. */
function smallMessages(maxPayload: number): string | null {
  if (maxPayload >= LARGE_MESSAGE) return null;
  return `The servers of the log take messages of ${
    formatBytes(maxPayload)
  } at most: larger records ` +
    "are refused with 413. Set max_payload in their configuration to 33MB or more";
}

function streamSettings(
  { serverUrl }: Settings,
  { partitions, replicas, maxLog, maxDeadLetters, subjectPrefix }: RelayFlags,
): Omit<StreamSettings, "name"> {
  return {
    server: serverUrl,
    partitions,
    replicas,
    prefix: subjectPrefix,
    maxBytes: bytesOf(maxLog),
    deadLetterBytes: bytesOf(maxDeadLetters),
  };
}

function bytesOf(gib: number | undefined): number | undefined {
  return gib === undefined ? undefined : gib * GIB;
}

function pick({ facts: { prefix, partitions } }: NatsEngine): {
  prefix: string;
  partitions: number;
} {
  return { prefix, partitions };
}

/** Returns the server name in the files of a spool: the same for all hosts of the cluster. */
function spoolServer(stream: string): string {
  return `nats://${stream.toLowerCase()}`;
}

function spoolLog(options: PipelineOptions): SpoolLog {
  const pipeline = openStrictPipeline({
    ...options,
    sender: false,
    apiKey: undefined,
    recovers: false,
  });
  const commits = new GroupCommit(() => pipeline.sync());
  return {
    async append(records) {
      pipeline.appendAll(records);
      await commits.commit();
    },
    async close() {
      await pipeline.finish({ timeout: 0 });
    },
  };
}

async function spoolRest(
  runtime: Runtime,
  directory: string,
  server: string,
): Promise<SpoolRest> {
  try {
    const states = await inspectSegments(runtime, await listSegments(runtime, directory));
    const own = states.filter((state) => isForServer(state, server));
    return { files: own.length, bytes: own.reduce((sum, state) => sum + pendingBytes(state), 0) };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { files: 0, bytes: 0 };
    throw error;
  }
}

function event(level: RelayEvent["level"], name: string, message: string): RelayEvent {
  return { level, name, message };
}
