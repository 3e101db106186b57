/**
 * The time from the death of a sender until another one drains its partitions.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { parseLogAddress } from "../../../src/jetstream/nats/connect.ts";
import { openEngine } from "../../../src/jetstream/nats/open_engine.ts";
import { StreamLog } from "../../../src/jetstream/log/stream_log.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { projectRoot } from "../../test/process.ts";
import type { RuntimeName } from "../../test/runners.ts";
import type { BenchHost } from "../host.ts";
import { idOf, startRequest } from "../workloads/records.ts";

const PARTITIONS = 4;
const LOOK_MS = 20;

/** Kills one of two senders, and resolves with the ms until all partitions are drained again. */
export async function measureTakeover(
  host: BenchHost,
  runtime: RuntimeName,
  servers: string,
  serverUrl: string,
): Promise<number> {
  const name = "TAKEOVER";
  const engine = await openEngine({
    runtime: detectRuntime(),
    address: parseLogAddress(`nats://${servers}/${name}`),
    settings: { partitions: PARTITIONS, replicas: 3, server: serverUrl, prefix: "takeover" },
  });
  const open = { engine, prefix: engine.facts.prefix, partitions: PARTITIONS };
  const log = new StreamLog({ stream: () => open, projectId: "bench/bench", writer: "takeover" });
  const senders: ChildProcess[] = [];
  try {
    senders.push(await startSender(host, runtime, servers, name, serverUrl, PARTITIONS));
    senders.push(await startSender(host, runtime, servers, name, serverUrl, PARTITIONS / 2));
    senders[0].kill("SIGKILL");
    await once(senders[0], "close");
    const died = performance.now();
    // Enough calls for every partition to have some.
    for (let i = 0; i < 16 * PARTITIONS; i++) {
      await log.write([["call_start", JSON.stringify(startRequest(idOf(i)))]]);
    }
    while (!await log.isDelivered()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return performance.now() - died;
  } finally {
    for (const sender of senders) sender.kill("SIGKILL");
    await engine.close();
  }
}

/** Starts a sender; resolves when it drains this many partitions. */
async function startSender(
  host: BenchHost,
  runtime: RuntimeName,
  servers: string,
  stream: string,
  serverUrl: string,
  share: number,
): Promise<ChildProcess> {
  const args = ["flush", "--follow", "--json", "--log", `nats://${servers}/${stream}`];
  const child = spawn(...await host.command(runtime, "src/cli/main.ts", args), {
    cwd: projectRoot,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, WF_TRACE_SERVER_URL: serverUrl, WANDB_API_KEY: "k".repeat(40) },
  });
  let taken = 0;
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.includes("partition-taken") && ++taken === share) return child;
  }
  throw new Error("The sender ended");
}
