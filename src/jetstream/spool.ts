/**
 * The spool: records that a relay writes to its disk while the engine is away, and forwards later.
 *
 * Once a record of a project is in the spool, all that follow in this process go there too, until the
 * spool is forwarded to its end: no record of one process overtakes an earlier one.
 *
 * @module
 */

import type { WriteRecord } from "../client/pipeline/pipeline.ts";
import { hasCode } from "../errors.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import type { StreamSource } from "./engine.ts";
import type { StreamLog } from "./stream_log.ts";

/** Ms between two looks whether the engine is back. */
const LOOK_MS = 1_000;
/** Bytes in the spool with which writes wait until it is forwarded, instead of adding to it. */
const LAST_BYTES = 4 * 1024 * 1024;
/** Ms that they wait at most, and between two looks meanwhile. */
const RETURN_MS = 10_000;
const RETURN_LOOK_MS = 50;

/** The file log of a project, open for writing. */
export interface SpoolLog {
  /** Appends records; resolves when they are on stable storage. */
  append(records: readonly WriteRecord[]): Promise<void>;
  /** Closes it: what it holds is final. */
  close(): Promise<void>;
}

/** The part of a project's spool that is not forwarded. */
export interface SpoolRest {
  readonly files: number;
  readonly bytes: number;
}

/** Options for {@linkcode Spool}. */
export interface SpoolOptions {
  readonly clock: Clock;
  readonly stream: StreamSource;
  readonly log: Pick<StreamLog, "write">;
  /** Opens a new file log. */
  readonly open: () => SpoolLog;
  /** Looks at what is not forwarded, of this process and of those before it. */
  readonly rest: () => Promise<SpoolRest>;
  /** Reports that records go to the spool now, or to the stream again. */
  readonly onState: (state: "spooling" | "direct", reason: string) => void;
}

/** Writes the records of one project to the stream, or to its spool. */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #inProgress = new Set<Promise<unknown>>();
  /** Writes wait for it before they choose their way. */
  #gate: Promise<void>;
  #disk: SpoolLog | null = null;
  #timer: Timer | null = null;
  #closed = false;

  /** Looks first for what an earlier process left. */
  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#gate = options.rest().then(({ files }) => {
      if (files > 0) this.#begin("An earlier spool is not forwarded yet");
    }, () => this.#begin("The spool cannot be read"));
  }

  /** Whether records go to the spool. */
  get isSpooling(): boolean {
    return this.#disk !== null;
  }

  /**
   * Writes records to the stream, or to the spool while the engine is away.
   *
   * @throws {WeaveWalError} `ERR_LOG_FULL`, `ERR_LOG_CLOSED`, `ERR_RECORD_TOO_LARGE`; the host's
   *   error when the disk does not take them.
   */
  async write(records: readonly WriteRecord[]): Promise<void> {
    for (let gate: Promise<void> | null = null; gate !== this.#gate;) await (gate = this.#gate);
    await this.#tracked(this.#disk === null ? this.#direct(records) : this.#disk.append(records));
  }

  /** Closes the file log. What is in it is forwarded by the next relay on this directory. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#gate;
    await Promise.allSettled(this.#inProgress);
    await this.#disk?.close();
  }

  async #direct(records: readonly WriteRecord[]): Promise<void> {
    try {
      await this.#options.log.write(records);
    } catch (error) {
      if (!hasCode(error, "ERR_LOG_UNREACHABLE")) throw error;
      if (this.#disk === null) {
        // What comes now has to wait for those that are on their way and may fail too.
        this.#gate = Promise.allSettled([...this.#inProgress]).then(() => {});
        this.#begin((error as Error).message);
      }
      await this.#disk!.append(records);
    }
  }

  async #tracked(work: Promise<void>): Promise<void> {
    const settled = work.catch(() => {});
    this.#inProgress.add(settled);
    try {
      await work;
    } finally {
      this.#inProgress.delete(settled);
    }
  }

  #begin(reason: string): void {
    const { open, onState } = this.#options;
    this.#disk = open();
    onState("spooling", reason);
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      void this.#look().catch(() => {}).finally(() => {
        if (this.#disk !== null) this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    const { stream, rest } = this.#options;
    if (!stream()?.engine.isConnected || (await rest()).bytes > LAST_BYTES || this.#closed) return;
    const returning = this.#return();
    this.#gate = returning.catch(() => {});
    await returning;
  }

  /** Waits until the spool is forwarded; meanwhile nothing is written. */
  async #return(): Promise<void> {
    const { clock, rest, open, onState } = this.#options;
    await Promise.allSettled([...this.#inProgress]);
    const disk = this.#disk!;
    await disk.close();
    const begun = clock.monotonic();
    while ((await rest().catch(() => ({ files: 1 }))).files > 0) {
      if (this.#closed || clock.monotonic() - begun > RETURN_MS) {
        this.#disk = open();
        return;
      }
      await new Promise<void>((resolve) => clock.after(RETURN_LOOK_MS, resolve));
    }
    this.#disk = null;
    onState("direct", "");
  }
}
