/**
 * Writes records to a JetStream stream, or a log on disk, and sends them to a server;
 * each write is acknowledged as by a relay: by a quorum, or after a data sync. Prints one
 * line of JSON.
 *
 * Usage: `cluster_log.ts stream <servers> <stream> <partitions> <replicas> <records>
 * <server URL>`, or `cluster_log.ts file <directory> <records> <server URL>`.
 *
 * @module
 */

import process from "node:process";
import { openStrictPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WriteRecord } from "../../../src/client/pipeline/pipeline.ts";
import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { hostFetch } from "../../../src/client/server/host_fetch.ts";
import { resolveSettings } from "../../../src/client/settings/settings.ts";
import { StreamSending } from "../../../src/cli/jetstream/sending.ts";
import { parseLogAddress } from "../../../src/jetstream/nats/connect.ts";
import { openEngine } from "../../../src/jetstream/nats/open_engine.ts";
import { StreamLog } from "../../../src/jetstream/log/stream_log.ts";
import { GroupCommit } from "../../../src/relay/log/group_commit.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { idOf, startRequest } from "../workloads/records.ts";

/** Number of concurrent writes, like requests to a relay. */
const WRITERS = 200;
/** Records per write: the calls of one request of an SDK. */
const RECORDS_A_WRITE = 20;
const LOOK_MS = 5;
/** Limit of a stream: more than any measurement writes. */
const LIMIT_BYTES = 1024 ** 3;

const [kind, ...args] = process.argv.slice(2);
const runtime = detectRuntime();
const token = () => crypto.randomUUID().replaceAll("-", "");
const newId = () => crypto.randomUUID();

/** Elapsed time and CPU time of `run`, ms. */
async function measured(run: () => Promise<void>): Promise<{ wall: number; cpu: number }> {
  const before = process.cpuUsage();
  const from = performance.now();
  await run();
  const wall = performance.now() - from;
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / 1_000 };
}

/** Writes calls, each a start and an end, in `WRITERS` concurrent writes. */
async function writeAll(
  count: number,
  write: (records: readonly WriteRecord[]) => Promise<void>,
): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) {
      const records: WriteRecord[] = [];
      for (; records.length < RECORDS_A_WRITE && next < count; next += 2) {
        const id = idOf(next);
        records.push(["call_start", JSON.stringify(startRequest(id))]);
        records.push(["call_end", JSON.stringify(endRequest(id))]);
      }
      await write(records);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

function endRequest(id: string): Record<string, unknown> {
  const { start: { project_id, trace_id, started_at } } = startRequest(id) as {
    start: Record<string, unknown>;
  };
  const ended_at = "2026-01-01T00:00:01.000000Z";
  const output = "x".repeat(450);
  return { end: { project_id, id, trace_id, started_at, ended_at, output, summary: {} } };
}

function report(count: number, into: { wall: number; cpu: number }, out: typeof into): void {
  console.log(JSON.stringify({
    inPerSecond: count / into.wall * 1_000,
    inCpuUs: into.cpu / count * 1_000,
    outPerSecond: count / out.wall * 1_000,
    outCpuUs: out.cpu / count * 1_000,
    rssMiB: process.memoryUsage().rss / 1024 ** 2,
  }));
}

async function stream(
  [servers, name, partitions, replicas, records, serverUrl]: readonly string[],
): Promise<void> {
  const count = Number(records);
  const engine = await openEngine({
    runtime,
    address: parseLogAddress(`nats://${servers}/${name}`),
    settings: {
      partitions: Number(partitions),
      replicas: Number(replicas),
      server: serverUrl,
      // Servers reserve the limits of all streams on their disks.
      maxBytes: LIMIT_BYTES,
      deadLetterBytes: LIMIT_BYTES,
      // Streams of one cluster must not share subjects.
      prefix: name.toLowerCase(),
    },
  });
  const open = { engine, prefix: engine.facts.prefix, partitions: engine.facts.partitions };
  const log = new StreamLog({ stream: () => open, projectId: "bench/bench", writer: token() });
  const into = await measured(() => writeAll(count, (all) => log.write(all)));
  const sending = new StreamSending({
    ...open,
    runtime,
    settings: resolveSettings(runtime, { serverUrl, apiKey: "k".repeat(40) }),
    token: token(),
    newId,
    onEvent: () => {},
  });
  const out = await measured(async () => {
    sending.start();
    while (!await log.isDelivered()) {
      sending.sender.sendNow();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  });
  report(count, into, out);
  await sending.stop();
  await engine.close();
}

async function file([walDir, records, serverUrl]: readonly string[]): Promise<void> {
  const count = Number(records);
  const options = {
    ...DEFAULTS,
    runtime,
    fetch: hostFetch,
    random: Math.random,
    token,
    entity: "bench",
    project: "bench",
    serverUrl,
    apiKey: "k".repeat(40),
    wal: true,
    walDir,
    requireDisk: true,
    onEvent: () => {},
  };
  const writer = openStrictPipeline({ ...options, sender: false, recovers: false });
  const commits = new GroupCommit(() => writer.sync());
  const into = await measured(() =>
    writeAll(count, async (all) => {
      writer.appendAll(all);
      await commits.commit();
    })
  );
  await writer.finish({ timeout: 0 });
  const sender = openStrictPipeline(options);
  const out = await measured(async () => {
    const { done } = await sender.flush();
    if (!done) throw new Error("The log was not delivered");
  });
  report(count, into, out);
  await sender.finish();
}

await (kind === "stream" ? stream(args) : file(args));
process.exit(0);
