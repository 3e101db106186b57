/**
 * Write side of a log on an engine's stream.
 * Records of one write in the same partition form one message, which is stored entirely or not at
 * all.
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { RequestLog, WriteRecord } from "../../wal/log/record_log.ts";
import { RECORD_PREFIX, RECORD_SUFFIX } from "../../wal/record/record.ts";
import { EngineError, type LogEngine, type OpenStream, type StreamSource } from "../engine.ts";
import { contentId, isRepeatable } from "./message_id.ts";
import { partitionFilter, placeRecord, recordSubject } from "../subjects.ts";

/** Maximum number of unacknowledged bytes. */
const MAX_UNACKNOWLEDGED_BYTES = 64 * 1024 * 1024;
/** Bytes of a message reserved for its subject and headers, and for the reason of a dead letter. */
const OVERHEAD_BYTES = 16 * 1024;

/** Options for {@linkcode StreamLog}. */
export interface StreamLogOptions {
  readonly stream: StreamSource;
  /** `entity/project`. */
  readonly projectId: string;
  /** Token of this writer; combined with a counter, it forms message IDs. */
  readonly writer: string;
}

interface Batch {
  readonly partition: number;
  readonly lines: string[];
  bytes: number;
  isRepeatable: boolean;
}

/** Writes the records of one project to the stream. */
export class StreamLog implements RequestLog {
  readonly kind = "stream";
  readonly #options: StreamLogOptions;
  readonly #written = { records: 0, bytes: 0 };
  readonly #inProgress = new Set<Promise<void>>();
  /** Position of the last acknowledged message, by partition. */
  readonly #last = new Map<number, number>();
  #unacknowledged = 0;
  #writes = 0;
  /** First failure since the last sync. */
  #failure: unknown = null;
  #closed = false;

  constructor(options: StreamLogOptions) {
    this.#options = options;
  }

  append(type: RecordType, request: string): void {
    this.write([[type, request]]).catch((error) => this.#failure ??= error);
  }

  /**
   * Publishes records; resolves when a quorum of the engine's nodes has all of them. If it rejects,
   * some of them may be in the log.
   * @param id Prefix of message IDs: the same records with the same ID are stored once within the
   * duplicate window. Starts and ends of calls are stored once whatever their ID.
   * @throws {WeaveWalError} Synchronously: `ERR_LOG_CLOSED`; `ERR_RECORD_TOO_LARGE`; `ERR_LOG_FULL`
   * at the limit of unacknowledged bytes; `ERR_LOG_UNREACHABLE` until the engine has been reached.
   * Asynchronously: `ERR_LOG_FULL` if the stream is at its limit, `ERR_LOG_UNREACHABLE`.
   */
  write(
    records: readonly WriteRecord[],
    id: string = `${this.#options.writer}-${this.#writes++}`,
  ): Promise<void> {
    if (this.#closed) {
      throw new WeaveWalError("ERR_LOG_CLOSED", "Cannot append a record: the log is closed");
    }
    const stream = this.#options.stream();
    if (stream === null) {
      throw new WeaveWalError(
        "ERR_LOG_UNREACHABLE",
        "The servers of the log have not been reached yet",
      );
    }
    if (this.#unacknowledged > MAX_UNACKNOWLEDGED_BYTES) {
      throw new WeaveWalError(
        "ERR_LOG_FULL",
        "Too many records wait for an acknowledgement of the log's servers",
      );
    }
    const batches = this.#batches(records, stream);
    const writing = Promise.all(
      batches.map((batch, index) => this.#publish(batch, `${id}.${index}`, stream)),
    ).then(() => {});
    this.#written.records += records.length;
    const settled: Promise<void> = writing.catch(() => {}).then(() => {
      this.#inProgress.delete(settled);
    });
    this.#inProgress.add(settled);
    return writing;
  }

  get written(): { readonly records: number; readonly bytes: number } {
    return this.#written;
  }

  /** Rejects with the first failure of an `append` since the last call. */
  async sync(): Promise<void> {
    await Promise.all(this.#inProgress);
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /**
   * Returns whether all records of this log are delivered, and therefore removed. @throws
   * {EngineError} `away`.
   */
  async isDelivered(): Promise<boolean> {
    const stream = this.#options.stream();
    if (stream === null) return this.#last.size === 0;
    const { engine, prefix } = stream;
    for (const [partition, last] of this.#last) {
      const oldest = await engine.first(partitionFilter(prefix, partition), 1);
      if (oldest !== null && oldest.seq <= last) return false;
      this.#last.delete(partition);
    }
    return true;
  }

  rotate(): void {}

  heartbeat(): void {}

  close(): void {
    this.#closed = true;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#inProgress);
  }

  #batches(records: readonly WriteRecord[], { engine, partitions }: OpenStream): Batch[] {
    const { projectId } = this.#options;
    const most = maxRecordBytes(engine);
    const batches: Batch[] = [];
    const open = new Map<number, Batch>();
    for (const [type, whole] of records) {
      for (const placed of placeRecord(type, whole, projectId, partitions)) {
        const { partition, request, callId } = placed;
        const line = RECORD_PREFIX[type] + request + RECORD_SUFFIX;
        const bytes = utf8Length(line);
        if (bytes > most) {
          throw new WeaveWalError("ERR_RECORD_TOO_LARGE", tooLarge(bytes, most));
        }
        let batch = open.get(partition);
        if (batch === undefined || batch.bytes + bytes > most) {
          batch = { partition, lines: [], bytes: 0, isRepeatable: true };
          open.set(partition, batch);
          batches.push(batch);
        }
        batch.isRepeatable &&= isRepeatable(type, callId);
        batch.lines.push(line);
        batch.bytes += bytes;
      }
    }
    return batches;
  }

  async #publish(
    { partition, lines, bytes, isRepeatable }: Batch,
    id: string,
    { engine, prefix }: OpenStream,
  ): Promise<void> {
    const { projectId } = this.#options;
    this.#unacknowledged += bytes;
    try {
      const payload = encoder.encode(lines.join(""));
      const subject = recordSubject(prefix, partition, projectId);
      const messageId = isRepeatable ? contentId(subject, payload) : id;
      const seq = await engine.publish(subject, payload, messageId);
      this.#written.bytes += bytes;
      this.#last.set(partition, Math.max(seq, this.#last.get(partition) ?? 0));
    } catch (error) {
      throw error instanceof EngineError ? asLogError(error) : error;
    } finally {
      this.#unacknowledged -= bytes;
    }
  }
}

/** Bytes of a record that an engine takes at most. */
export function maxRecordBytes({ maxPayload }: Pick<LogEngine, "maxPayload">): number {
  return maxPayload - OVERHEAD_BYTES;
}

/** The message for a record that does not fit into a message of the engine. */
export function tooLarge(bytes: number, most: number): string {
  return `A record of ${bytes} bytes does not fit into a message of the log's servers: ${most} bytes ` +
    "at most. Set max_payload in their configuration to 33MB or more";
}

/** The error of the log for one of the engine. */
function asLogError(error: EngineError): WeaveWalError {
  const { failure, message } = error;
  if (failure === "full") {
    return new WeaveWalError("ERR_LOG_FULL", `The stream is full: ${message}`, { cause: error });
  }
  return new WeaveWalError(
    "ERR_LOG_UNREACHABLE",
    `The servers of the log do not accept records: ${message}`,
    { cause: error },
  );
}

const encoder = new TextEncoder();

function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    // A surrogate pair has two code units and takes four bytes.
    length += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return length;
}
