/**
 * The sending end of a pipeline: delivers the records of the log, unless another process does.
 *
 * @module
 */

import { type CreatedSender, createSender } from "../../../delivery/create_sender.ts";
import { DeliveryClient } from "../../../delivery/delivery_client.ts";
import type { Scope, WaitLimits } from "../../../delivery/delivery_wait.ts";
import type { Sender } from "../../../delivery/sender.ts";
import type { DigestMap } from "../../../wal/digest_map.ts";
import { projectDirectories } from "../../../wal/orphans/project_directories.ts";
import type { DeliveryWait, FlushResult, PipelineOptions } from "../pipeline.ts";
import type { PipelineMonitor } from "../status/pipeline_monitor.ts";
import { DeliveryWaits } from "./delivery_waits.ts";

/** Maximum number of concurrent requests for one batch. */
const MAX_IN_FLIGHT = 4;

/** Options for {@linkcode PipelineSender}. */
export interface PipelineSenderOptions {
  readonly pipeline: PipelineOptions;
  /** Token of this process. */
  readonly token: string;
  /** Directory of the project's log. */
  readonly directory: string;
  readonly digests: DigestMap;
  readonly monitor: PipelineMonitor;
  /** Called when the server's state changes. */
  readonly onServerChanged: () => void;
  /** Called with the size of a segment that was drained and removed. */
  readonly onRemoved: (bytes: number) => void;
  /** Called when another process has taken over a segment of this process's log. */
  readonly onLost: () => void;
}

/** Delivers the records of a pipeline. */
export class PipelineSender {
  readonly deliveryClient: DeliveryClient;
  readonly #options: PipelineSenderOptions;
  /** `null` if another process delivers. This process still retries dead letters. */
  readonly #created: CreatedSender | null;
  readonly #waits: DeliveryWaits;

  /** Does not start sending. */
  constructor(options: PipelineSenderOptions) {
    const { pipeline, monitor } = options;
    this.#options = options;
    this.#waits = new DeliveryWaits(pipeline.runtime.clock, monitor.counters);
    this.deliveryClient = this.#createDeliveryClient();
    this.#created = pipeline.sender ? this.#createSender() : null;
  }

  /** The sender; `null` if another process delivers. */
  get sender(): Sender | null {
    return this.#created?.sender ?? null;
  }

  /** Waits within `limits`; returns why it stopped before everything was delivered. */
  async wait(limits: WaitLimits, scope: Scope): Promise<FlushResult["reason"]> {
    if (this.sender === null) return "sender-off";
    const end = await this.sender.wait(limits, scope);
    return end === "done" ? undefined : end;
  }

  /** Waits until everything appended so far is delivered; see {@linkcode Pipeline.delivered}. */
  delivered(timeout: number): Promise<DeliveryWait> {
    return this.#waits.wait(this.sender, timeout);
  }

  /** Delivers pending records within `timeout` ms, at the end of the program. */
  async drainBeforeExit(timeout: number): Promise<void> {
    const reason = await this.wait({ timeout }, "held");
    if (reason !== undefined) this.deliveryClient.interrupt();
  }

  /** Sends heartbeats for the recovery in progress. */
  heartbeat(): void {
    this.#created?.recovery?.heartbeat();
  }

  /** Stops everything in progress. Remaining records stay in the log. */
  async stop(): Promise<void> {
    await this.#created?.stop();
    this.deliveryClient.stop();
  }

  #createDeliveryClient(): DeliveryClient {
    const { pipeline, digests, monitor, onServerChanged } = this.#options;
    return new DeliveryClient({
      ...pipeline,
      clock: pipeline.runtime.clock,
      digests,
      newId: pipeline.token,
      maxInFlight: MAX_IN_FLIGHT,
      onState: (state, reason) => {
        monitor.serverChanged(state, reason);
        this.#created?.serverChanged(state);
        onServerChanged();
        this.#waits.attemptEnded();
      },
      onRetry: (reason) => {
        monitor.requestFailed(reason);
        this.#waits.attemptEnded();
      },
      onSwitch: (to, reason) =>
        monitor.events.report("info", "calls-api", `Calls go ${to} now: ${reason}`),
    });
  }

  #createSender(): CreatedSender {
    const { pipeline, token, directory, monitor, onRemoved, onLost } = this.#options;
    const { runtime, wal, walDir, serverUrl, recovers = true } = pipeline;
    return createSender({
      ...pipeline,
      deliveryClient: this.deliveryClient,
      server: serverUrl,
      token,
      root: wal ? walDir : null,
      directories: () => recovers ? projectDirectories(runtime, walDir, directory) : [directory],
      onProgress: (delivered, deadLetters) => {
        monitor.settled(delivered, deadLetters);
        this.sender?.changed();
      },
      onDropped: (records) => monitor.droppedOldest(records),
      onComplete: onRemoved,
      onTrouble: (what, error) => monitor.failed(what, error),
      onLost,
      onRecovery: (start, sent) => monitor.events.recovery(start, sent),
      onRecovered: (start, sent) => monitor.events.recovered(start, sent),
    });
  }
}
