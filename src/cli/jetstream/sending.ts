/**
 * The command's sender for a stream.
 *
 * @module
 */

import type { Settings } from "../../client/settings/settings.ts";
import { hostFetch } from "../../client/server/host_fetch.ts";
import { DeliveryClient } from "../../delivery/delivery_client.ts";
import type { LogEngine } from "../../jetstream/engine.ts";
import { StreamSender } from "../../jetstream/sending/stream_sender.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { SenderReport } from "../../wal/processes/presence_state.ts";
import { DigestMap } from "../../wal/digest_map.ts";
import { presenceText } from "../../wal/processes/presence.ts";
import { MAX_IN_FLIGHT } from "../flush/delivery_client.ts";
import { type SenderEvent, SenderReporter } from "../flush/sender_reporter.ts";

/** Options for {@linkcode StreamSending}. */
export interface StreamSendingOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly engine: LogEngine;
  readonly prefix: string;
  readonly partitions: number;
  /** Token of this process. */
  readonly token: string;
  readonly newId: () => string;
  readonly onEvent: (event: SenderEvent) => void;
}

/** Sends the records of a stream, and reports on it. */
export class StreamSending {
  readonly sender: StreamSender;
  readonly #deliveryClient: DeliveryClient;
  readonly #reporter: SenderReporter;

  /** Does not start sending. */
  constructor(options: StreamSendingOptions) {
    const { runtime, settings, engine, prefix, partitions, token, newId, onEvent } = options;
    const { clock } = runtime;
    const { serverUrl: server } = settings;
    const reporter = new SenderReporter({
      clock,
      server,
      pending: () => Promise.resolve("Records stay in the stream"),
      onEvent,
    });
    this.#reporter = reporter;
    this.#deliveryClient = new DeliveryClient({
      ...settings,
      fetch: hostFetch,
      // Records in a stream have no provisional digests.
      digests: new DigestMap(null, ""),
      clock,
      random: Math.random,
      newId,
      maxInFlight: MAX_IN_FLIGHT,
      onState: (state, reason) => {
        reporter.stateChanged(state, reason);
        this.sender.serverChanged(state);
      },
      onRetry: (reason) => reporter.failed(reason),
      onSwitch: (to, reason) => reporter.switched(to, reason),
    });
    this.sender = new StreamSender({
      ...settings,
      engine,
      clock,
      prefix,
      partitions,
      token,
      describe: () =>
        presenceText({ runtime, token, server, sender: true, report: () => this.report }, false),
      deliveryClient: this.#deliveryClient,
      onProgress: (delivered, { length }) => reporter.progressed(delivered, length),
      onDropped: () => {},
      onComplete: () => {},
      onTrouble: (what, error) => reporter.trouble(what, error, "stream-error"),
      onPartition: (partition, state) =>
        onEvent({
          level: "info",
          name: `partition-${state}`,
          message: state === "taken"
            ? `Sending partition ${partition}`
            : `Left partition ${partition}`,
        }),
    });
  }

  /** Progress of the sender and state of the server. */
  get report(): SenderReport {
    return this.#reporter.report(this.#deliveryClient.breaker.msToNextAttempt);
  }

  /** Starts sending. */
  start(): void {
    this.sender.start();
  }

  /** Records an error of the stream, and reports it at limited frequency. */
  trouble(what: string, error: unknown): void {
    this.#reporter.trouble(what, error, "stream-error");
  }

  /**
   * Stops everything in progress and releases the leases. Records without a response stay in the
   * stream.
   */
  async stop(): Promise<void> {
    await this.sender.stop();
  }
}
