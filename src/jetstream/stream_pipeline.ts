/**
 * The log of one project on a stream, as a relay uses it: nothing is sent from here, and what the
 * stream does not take is spooled or refused.
 *
 * @module
 */

import type {
  FlushOptions,
  FlushResult,
  StrictPipeline,
  WriteRecord,
} from "../client/pipeline/pipeline.ts";
import { onAbort } from "../delivery/async/on_abort.ts";
import type { RecordType } from "../protocol/record_types.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Spool } from "./spool.ts";
import type { StreamLog } from "./stream_log.ts";

/** Ms between two looks whether what was written is delivered. */
const LOOK_MS = 100;

/** Options for {@linkcode StreamPipeline}. */
export interface StreamPipelineOptions {
  readonly runtime: Runtime;
  readonly log: StreamLog;
  /** Takes what the stream does not take while its engine is away; `null` refuses it. */
  readonly spool: Spool | null;
}

/** Writes to a stream; other processes send what it holds. */
export class StreamPipeline implements StrictPipeline {
  readonly resolvesDigests = false;
  readonly #options: StreamPipelineOptions;

  /** Makes a pipeline over an open log. */
  constructor(options: StreamPipelineOptions) {
    this.#options = options;
  }

  append(type: RecordType, request: string): void {
    this.appendAll([[type, request]]).catch(() => {});
  }

  appendAll(records: readonly WriteRecord[]): Promise<void> {
    const { log, spool } = this.#options;
    return spool === null ? log.write(records) : spool.write(records);
  }

  sync(): Promise<void> {
    return this.#options.log.sync();
  }

  async flush({ timeout, signal }: FlushOptions = {}): Promise<FlushResult> {
    const { runtime: { clock } } = this.#options;
    const begun = clock.monotonic();
    for (;;) {
      if (await this.#isDelivered()) return this.#result();
      if (signal?.aborted) return this.#result("aborted");
      const left = timeout === undefined ? Infinity : timeout - (clock.monotonic() - begun);
      if (left <= 0) return this.#result("timeout");
      await new Promise<void>((resolve) => {
        const timer = clock.after(Math.min(left, LOOK_MS), () => end(), { ref: true });
        const end = (): void => {
          timer.cancel();
          forget();
          resolve();
        };
        const forget = signal ? onAbort(signal, () => end()) : () => {};
      });
    }
  }

  finalDigest(digest: string): string {
    return digest;
  }

  async finish(): Promise<FlushResult> {
    const { log, spool } = this.#options;
    await spool?.close();
    log.close();
    await log.settled();
    return this.#result("sender-off");
  }

  async #isDelivered(): Promise<boolean> {
    const { log, spool } = this.#options;
    if (spool?.isSpooling) return false;
    // An engine that does not respond says nothing; it is asked again.
    return await log.isDelivered().catch(() => false);
  }

  #result(reason?: FlushResult["reason"]): FlushResult {
    const base = { pendingBytes: 0, pendingRecords: 0, delivered: 0, deadLettered: 0 };
    return reason === undefined ? { ...base, done: true } : { ...base, done: false, reason };
  }
}
