/**
 * Relays, senders and callers around a simulated stream, in virtual time.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { DeliveryClient } from "../../../src/delivery/delivery_client.ts";
import { StreamLog } from "../../../src/jetstream/log/stream_log.ts";
import { StreamSender } from "../../../src/jetstream/sending/stream_sender.ts";
import type { WriteRecord } from "../../../src/wal/log/record_log.ts";
import { DigestMap } from "../../../src/wal/digest_map.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { Trace } from "../checks/trace.ts";
import { mix, Random } from "../scenario/random.ts";
import type { StreamBug } from "./stream_mutants.ts";
import { SimConnection, SimStream } from "./sim_stream.ts";
import { type SenderView, StreamServer, type StreamViolation } from "./stream_server.ts";

const PARTITIONS = 2;
const PREFIX = "wal";
const PROJECT = "e/p";
/** Ms until a caller retries a request that failed. */
const AGAIN_MS = 50;
/** Ms after which a caller presumes a relay dead. */
const PATIENCE_MS = 8_000;
const MAX_EVENTS = 400_000;

interface Relay {
  readonly connection: SimConnection;
  readonly log: StreamLog;
}

interface Sender extends SenderView {
  readonly connection: SimConnection;
  readonly sender: StreamSender;
}

/** The processes around one stream. */
export class StreamWorld {
  readonly clock: MemoryClock = new MemoryClock();
  readonly trace: Trace;
  readonly random: Random;
  readonly stream: SimStream;
  readonly server: StreamServer;
  readonly violations: { readonly code: StreamViolation; readonly text: string }[] = [];
  /** Parts of calls that a relay has acknowledged. */
  readonly answered: Set<string> = new Set();
  readonly relays: Relay[] = [];
  readonly senders: Sender[] = [];
  /** Number of callers waiting for a response. */
  calling = 0;
  readonly #bug: StreamBug | undefined;
  #names = 0;
  #events = 0;

  constructor(seed: number, maxBytes: number, options: { bug?: StreamBug; keepTrace?: boolean }) {
    this.trace = new Trace(options.keepTrace ?? false);
    this.random = new Random(seed);
    this.#bug = options.bug;
    this.stream = new SimStream(this.clock, new Random(mix(seed, 1)), maxBytes);
    this.server = new StreamServer(this.stream, PARTITIONS, (code, text) => {
      this.violate(code, text);
    });
  }

  /** Reports a broken promise. */
  violate(code: StreamViolation, text: string): void {
    this.violations.push({ code, text });
    this.trace.add(`VIOLATION ${code}: ${text}`);
  }

  /** Starts a relay. */
  startRelay(): void {
    const connection = new SimConnection(this.stream);
    const engine = this.#bug?.engine?.(connection) ?? connection;
    const open = { engine, prefix: PREFIX, partitions: PARTITIONS };
    const writer = `relay${++this.#names}`;
    const log = new StreamLog({ stream: () => open, projectId: PROJECT, writer });
    this.relays.push({ connection, log });
  }

  /** Starts a sender. */
  startSender(): void {
    const token = `sender${++this.#names}`;
    const connection = new SimConnection(this.stream);
    const view: SenderView = { token, isDead: false, answered: new Set() };
    const ids = new Random(mix(this.#names, 7));
    const { clock } = this;
    const deliveryClient = new DeliveryClient({
      ...DEFAULTS,
      fetch: this.server.fetchOf(view),
      clock,
      random: () => ids.next(),
      newId: () => ids.hex(32),
      serverUrl: "http://server",
      apiKey: "key",
      retryMaxMs: 2_000,
      digests: new DigestMap(null, ""),
      maxInFlight: 4,
      onState: (state) => sender.serverChanged(state),
      onRetry: () => {},
      onSwitch: () => {},
    });
    const sender = new StreamSender({
      ...DEFAULTS,
      engine: this.#bug?.engine?.(connection) ?? connection,
      clock,
      prefix: PREFIX,
      partitions: PARTITIONS,
      token,
      deliveryClient,
      onProgress: () => {},
      onDropped: () => {},
      onComplete: () => {},
      onTrouble: () => {},
      // A sender that claims a partition again begins with the messages in the stream.
      onPartition: () => view.answered.clear(),
    });
    this.senders.push(Object.assign(view, { connection, sender }));
    sender.start();
  }

  /** Kills the relay or sender in this place, if there is one. */
  kill(kind: "relay" | "sender", place: number): void {
    if (kind === "relay") {
      const [relay] = this.relays.splice(place % Math.max(1, this.relays.length), 1);
      relay?.connection.kill();
      return;
    }
    const [sender] = this.senders.splice(place % Math.max(1, this.senders.length), 1);
    if (sender === undefined) return;
    sender.isDead = true;
    sender.connection.kill();
    // Its timers continue, but have no effect outside.
    void sender.sender.stop();
  }

  /** Makes one call: a start, and an end once the start is acknowledged. */
  async call(id: string): Promise<void> {
    this.calling++;
    const key = `"project_id":"${PROJECT}","id":"${id}","trace_id":"t${id}"`;
    const at = '"started_at":"2026-01-01T00:00:00Z"';
    await this.#write(`${id}:start`, [
      "call_start",
      `{"start":{${key},${at},"op_name":"o","attributes":{},"inputs":{}}}`,
    ]);
    await this.#write(`${id}:end`, [
      "call_end",
      `{"end":{${key},${at},"ended_at":"2026-01-01T00:00:01Z","summary":{}}}`,
    ]);
    this.calling--;
  }

  /** Advances virtual time by `ms`, or until `until` is true. */
  async pass(ms: number, until: () => boolean = () => false): Promise<void> {
    const { clock } = this;
    const end = clock.monotonic() + ms;
    await settle();
    while (this.violations.length === 0 && !until()) {
      const { next } = clock;
      if (next === undefined || clock.monotonic() + next > end) {
        clock.advance(end - clock.monotonic());
        return;
      }
      if (++this.#events > MAX_EVENTS) return this.violate("pending", `${MAX_EVENTS} timers`);
      clock.runNext();
      await settle();
    }
  }

  async #write(name: string, record: WriteRecord): Promise<void> {
    for (let attempt = 0;; attempt++) {
      const relay = this.relays[this.random.int(0, Math.max(0, this.relays.length - 1))];
      if (relay !== undefined && await this.#attempt(relay, record)) break;
      this.server.repeated.add(name);
      await this.#pause(AGAIN_MS);
    }
    this.answered.add(name);
    this.trace.add(`${name} is answered`);
  }

  async #attempt({ log, connection }: Relay, record: WriteRecord): Promise<boolean> {
    const write = async (): Promise<boolean> => {
      try {
        await log.write([record]);
        return !connection.isDead;
      } catch {
        return false;
      }
    };
    const impatient = this.#pause(PATIENCE_MS).then(() => false);
    return await Promise.race([write(), impatient]);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
