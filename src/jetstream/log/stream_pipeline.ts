/**
 * Pipeline of a relay's project on a stream: it sends nothing itself; records that the stream does
 * not accept are spooled or refused.
 * @module
 */

import type {
  FlushOptions,
  FlushResult,
  StrictPipeline,
  WriteRecord,
} from "../../client/pipeline/pipeline.ts";
import { onAbort } from "../../delivery/async/on_abort.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Spool } from "./spool.ts";
import type { StreamLog } from "./stream_log.ts";

/** Ms between checks whether written records are delivered. */
const LOOK_MS = 100;

/** Options for {@linkcode StreamPipeline}. */
export interface StreamPipelineOptions {
  readonly runtime: Runtime;
  readonly log: StreamLog;
  /** Spool for records while the engine is unreachable; `null` refuses them. */
  readonly spool: Spool | null;
}

/** Writes to a stream; other processes send its contents. */
export class StreamPipeline implements StrictPipeline {
  readonly resolvesDigests = false;
  readonly #options: StreamPipelineOptions;

  /** Creates a pipeline for an open log. */
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
    // If the engine does not respond, the state is unknown; it is checked again.
    return await log.isDelivered().catch(() => false);
  }

  #result(reason?: FlushResult["reason"]): FlushResult {
    const base = { pendingBytes: 0, pendingRecords: 0, delivered: 0, deadLettered: 0 };
    return reason === undefined ? { ...base, done: true } : { ...base, done: false, reason };
  }
}
