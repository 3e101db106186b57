/**
 * Relays, senders and callers around one cluster, whose parts a test kills and suspends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parseLogAddress } from "../../../src/jetstream/nats/connect.ts";
import { openStores } from "../../../src/jetstream/nats/open_stores.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { type Running, startCli, type Surroundings, temporary } from "../cli/cli_support.ts";
import { type RelayProcess, startRelayProcess } from "../relay/relay_process.ts";
import { openTestEngine, type TestEngine } from "./engine_fixture.ts";
import { type NatsCluster, startCluster } from "./nats_cluster.ts";
import { deadLetterTexts } from "./partition_fixture.ts";
import { StreamLoad } from "./stream_load.ts";

export const STREAM = "FLEET";
/** Ms after which the lease of a dead sender expires. */
const LEASE_MS = 2_000;
const PARTITIONS = 2;

type Place = Awaited<ReturnType<typeof temporary>>;

/** Options of a fleet. */
export interface FleetOptions {
  readonly relays?: number;
  readonly senders?: number;
  /** Arguments of all relays. */
  readonly relayArgs?: readonly string[];
  readonly maxBytes?: number;
  /** `host:port` of the cluster's nodes for the first relay; their real addresses by default. */
  readonly through?: (cluster: NatsCluster) => Promise<readonly string[]>;
}

/** The processes of a fleet; those that a test kills are replaced. */
export class Fleet implements AsyncDisposable {
  readonly cluster: NatsCluster;
  readonly mock: MockServer;
  readonly load: StreamLoad;
  readonly engine: TestEngine;
  readonly relays: RelayProcess[] = [];
  readonly senders: Running[] = [];
  readonly #place: Place;
  readonly #options: FleetOptions;
  readonly #addresses: readonly string[];
  /** Number of messages in the stream when a process died. */
  #inFlight = 0;

  private constructor(
    cluster: NatsCluster,
    mock: MockServer,
    engine: TestEngine,
    place: Place,
    options: FleetOptions,
    addresses: readonly string[],
  ) {
    this.cluster = cluster;
    this.mock = mock;
    this.engine = engine;
    this.#place = place;
    this.#options = options;
    this.#addresses = addresses;
    this.load = new StreamLoad([]);
  }

  /** Starts everything but the callers. */
  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const { relays = 2, senders = 2, maxBytes, through } = options;
    const cluster = await startCluster();
    const mock = await startMockServer();
    const settings = {
      replicas: 3,
      partitions: PARTITIONS,
      server: mock.url,
      leaseTtlMs: LEASE_MS,
      ...(maxBytes === undefined ? {} : { maxBytes }),
    };
    const engine = await opened(cluster, settings);
    const place = await temporary();
    const addresses = await through?.(cluster) ?? [cluster.address];
    const fleet = new Fleet(cluster, mock, engine, place, options, addresses);
    for (let i = 0; i < relays; i++) await fleet.startRelay(i);
    await Promise.all(Array.from({ length: senders }, () => fleet.startSender()));
    return fleet;
  }

  /** Starts a relay in a place, possibly replacing a killed one. */
  async startRelay(index: number): Promise<void> {
    const address = index === 0 ? this.#addresses.join() : this.cluster.address;
    const log = `nats://${address}/${STREAM}`;
    const args = ["--log", log, "--dir", `spool-${index}`, ...this.#options.relayArgs ?? []];
    this.relays[index] = await whenReachable(() => startRelayProcess(this.#surroundings, args));
    this.load.use(this.relays.map(({ url }) => url));
  }

  /** Starts another sender. */
  async startSender(): Promise<void> {
    const log = `nats://${this.cluster.address}/${STREAM}`;
    const args = ["flush", "--follow", "--json", "--log", log];
    this.senders.push(
      await whenReachable(async () => {
        const sender = startCli(args, this.#surroundings);
        await sender.sees('"following"');
        return sender;
      }),
    );
  }

  /** Kills a relay and starts another in its place. */
  async replaceRelay(index: number): Promise<void> {
    this.relays[index].kill("SIGKILL");
    await this.relays[index].ended;
    await this.startRelay(index);
  }

  /** Kills the oldest sender, and starts another. */
  async replaceSender(): Promise<void> {
    const sender = this.senders.shift()!;
    sender.kill("SIGKILL");
    await this.someoneDied();
    await sender.ended;
    await this.startSender();
  }

  /** Notes the number of messages in flight, which may be delivered twice. */
  async someoneDied(): Promise<void> {
    const { messages } = await this.engine.state();
    this.#inFlight += messages;
  }

  /** Notes that answers of the servers to these requests may be lost: relays spool them again. */
  answersMayBeLost(requests: number): void {
    this.#inFlight += requests;
  }

  /** Stops the callers, waits until the server has everything, and compares the counts. */
  async assertWhole(): Promise<void> {
    const { load, mock, engine } = this;
    await load.finish();
    await mock.waitFor(() => load.isComplete(mock), { timeout: 90_000 }).catch(async (error) => {
      throw new Error(`${error.message}\n${await this.#scene()}`);
    });
    for (const sender of this.senders) {
      sender.kill("SIGTERM");
      const { code, err } = await sender.ended;
      assert.equal(code, 0, err);
    }
    for (const relay of this.relays) {
      relay.kill("SIGTERM");
      const { code, err } = await relay.ended;
      assert.equal(code, 0, err);
    }
    const { counts } = mock.store;
    assert.equal(counts.orphanEnds, 0, "no end before its start");
    assert.equal(counts.conflicts, 0, "what is doubled is the same");
    assert.deepEqual(await deadLetterTexts(this.cluster.address, STREAM), []);
    const { callStarts, callEnds, callCompletes, feedback } = counts;
    const calls = callStarts + callEnds + 2 * callCompletes - 2 * load.calls.size;
    const doubled = calls + feedback - load.notes.size;
    console.log(
      `${load.calls.size} calls, ${doubled} records doubled, ${load.unanswered} requests were ` +
        `without an answer, ${this.#inFlight} messages in flight when a process died`,
    );
    assert.ok(
      doubled <= load.unanswered + this.#inFlight,
      `${doubled} records doubled: ${JSON.stringify(counts)}`,
    );
    const { messages } = await engine.state();
    assert.equal(messages, 0, "what was delivered is removed");
  }

  /** Returns the remaining messages, the keys, and the last output of the processes. */
  async #scene(): Promise<string> {
    const address = parseLogAddress(`nats://${this.cluster.address}/${STREAM}`);
    const stores = await openStores(detectRuntime(), address);
    const left: string[] = [];
    for (const store of [stores.records, stores.keys]) {
      for await (const { subject, seq, time, payload } of store.read(">")) {
        const text = new TextDecoder().decode(payload.subarray(0, 200));
        left.push(`${subject} ${seq} ${new Date(time).toISOString()} ${text}`);
      }
    }
    await stores.close();
    const output = [...this.senders, ...this.relays].map(({ pid, out, err }) =>
      `pid ${pid}: ${out().slice(-2_000)} ${err().slice(-2_000)}`
    );
    return [new Date().toISOString(), ...left.slice(0, 50), ...output].join("\n");
  }

  get #surroundings(): Surroundings {
    return {
      cwd: this.#place.path,
      env: { WF_TRACE_SERVER_URL: this.mock.url, WANDB_API_KEY: "a-secret-key-0123456789" },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of [...this.relays, ...this.senders]) {
      process.kill("SIGKILL");
      await process.ended;
    }
    await this.engine[Symbol.asyncDispose]();
    await this.mock[Symbol.asyncDispose]();
    await this.#place[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
  }
}

/**
 * Starts a process again until it reaches the servers, as the supervisor of a host does: without a
 * leader it ends.
 */
async function whenReachable<Process>(start: () => Promise<Process>): Promise<Process> {
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!(error as Error).message.includes("Cannot use the log")) throw error;
    }
  }
}

/** Creates the streams once the nodes are connected to each other. */
async function opened(
  cluster: NatsCluster,
  settings: Parameters<typeof openTestEngine>[1],
): Promise<TestEngine> {
  for (;;) {
    try {
      return await openTestEngine(cluster.address, settings, STREAM);
    } catch (error) {
      if ((error as Error).name !== "EngineError") throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
