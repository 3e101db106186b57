/**
 * Delivery target that forwards spooled records to the stream.
 * @module
 */

import { hasCode } from "../../errors.ts";
import { onAbort } from "../../delivery/async/on_abort.ts";
import type { DeliveryTarget, Permit } from "../../delivery/delivery_client.ts";
import { Stopped } from "../../delivery/http/send_with_retry.ts";
import type { Delivery } from "../../delivery/prepared_delivery.ts";
import { projectOf } from "../../delivery/records/project_of.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { WriteRecord } from "../../wal/log/record_log.ts";
import type { RecordBatch } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { StreamSource } from "../engine.ts";
import { maxRecordBytes, StreamLog, tooLarge } from "./stream_log.ts";

/** Ms between attempts while the engine does not accept records. */
const RETRY_MS = 1_000;

/** Options for {@linkcode ForwardTarget}. */
export interface ForwardTargetOptions {
  readonly stream: StreamSource;
  readonly clock: Clock;
  /** Token of this process. */
  readonly token: string;
  /** Reports that the engine does not accept records. */
  readonly onFailure: (reason: string) => void;
}

/** Publishes the records of a file log. */
export class ForwardTarget implements DeliveryTarget {
  readonly breaker: DeliveryTarget["breaker"];
  readonly #options: ForwardTargetOptions;
  readonly #stop = new AbortController();
  readonly #logs = new Map<string, StreamLog>();
  #batches = 0;

  constructor(options: ForwardTargetOptions) {
    this.#options = options;
    const isConnected = (): boolean => this.#isConnected;
    this.breaker = {
      get acceptsRequests() {
        return isConnected();
      },
      msToNextAttempt: null,
      probeNow() {},
    };
  }

  get isServerSilent(): boolean {
    return !this.#isConnected;
  }

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  prepare(batch: RecordBatch, permit: Permit): Delivery {
    return { independent: false, send: () => this.#forward(batch, permit), delivered: () => [] };
  }

  stop(): void {
    this.#stop.abort();
  }

  get #isConnected(): boolean {
    return this.#options.stream()?.engine.isConnected ?? false;
  }

  /** Forwards one project after another, each in order. */
  async #forward(batch: RecordBatch, permit: Permit): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    const projects = new Map<string, WriteRecord[]>();
    const engine = this.#options.stream()?.engine;
    const most = engine === undefined ? Infinity : maxRecordBytes(engine);
    for (const record of batch.records(() => true)) {
      const { type, bytes, start, end, offset, lineStart, lineEnd } = record;
      const projectId = projectOf(record);
      if (projectId === undefined) {
        const line = bytes.slice(lineStart, lineEnd) as Uint8Array<ArrayBuffer>;
        deadLetters.push({ reason: "unsendable", offset, length: line.length, line });
        continue;
      }
      const size = lineEnd - lineStart;
      // It was spooled before the limit of the engine was known: the records after it must not wait for it.
      if (size > most) {
        const line = bytes.slice(lineStart, lineEnd) as Uint8Array<ArrayBuffer>;
        const message = tooLarge(size, most);
        deadLetters.push({ reason: "unsendable", offset, length: size, line, message });
        continue;
      }
      const request = decoder.decode(bytes.subarray(start, end));
      const records = projects.get(projectId);
      if (records) records.push([type, request]);
      else projects.set(projectId, [[type, request]]);
    }
    // The IDs are the same for every attempt, so a message whose acknowledgement was lost is stored
    // once.
    const id = `${this.#options.token}-w${this.#batches++}`;
    let index = 0;
    for (const [projectId, records] of projects) {
      await this.#write(projectId, records, `${id}-${index++}`, permit);
    }
    return deadLetters;
  }

  async #write(
    projectId: string,
    records: readonly WriteRecord[],
    id: string,
    permit: Permit,
  ): Promise<void> {
    for (;;) {
      if (permit.stop.aborted || this.#stop.signal.aborted) throw new Stopped("Stopped");
      permit.assertHeld();
      try {
        return await this.#logOf(projectId).write(records, id);
      } catch (error) {
        if (!hasCode(error, "ERR_LOG_UNREACHABLE") && !hasCode(error, "ERR_LOG_FULL")) throw error;
        this.#options.onFailure((error as Error).message);
      }
      await this.#pause(permit.stop);
    }
  }

  #logOf(projectId: string): StreamLog {
    const known = this.#logs.get(projectId);
    if (known) return known;
    const log = new StreamLog({ ...this.#options, projectId, writer: this.#options.token });
    this.#logs.set(projectId, log);
    return log;
  }

  #pause(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(RETRY_MS, () => end());
      const end = (): void => {
        timer.cancel();
        forget();
        resolve();
      };
      const forget = onAbort(stop, end);
    });
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
