/**
 * Spool: records that a relay writes to disk while the engine is unreachable, and forwards later.
 * Once a project has a record in the spool, all following records of this process go there too,
 * until the entire spool is forwarded: no record of one process overtakes an earlier one.
 * @module
 */

import type { WriteRecord } from "../../client/pipeline/pipeline.ts";
import { hasCode } from "../../errors.ts";
import type { Clock, Timer } from "../../runtime/runtime.ts";
import type { StreamSource } from "../engine.ts";
import type { StreamLog } from "./stream_log.ts";

/** Ms between checks whether the engine is reachable again. */
const LOOK_MS = 1_000;
/**
 * Bytes left in the spool at which writes wait for the end of forwarding, instead of adding to it.
 */
const LAST_BYTES = 4 * 1024 * 1024;
/** Maximum duration of that wait, and interval of its checks, in ms. */
const RETURN_MS = 10_000;
const RETURN_LOOK_MS = 50;

/** File log of a project, open for writing. */
export interface SpoolLog {
  /** Appends records; resolves when they are on stable storage. */
  append(records: readonly WriteRecord[]): Promise<void>;
  /** Closes the log; its contents are final. */
  close(): Promise<void>;
}

/** Part of a project's spool that is not forwarded yet. */
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
  /** Returns what this process and earlier ones have not forwarded yet. */
  readonly rest: () => Promise<SpoolRest>;
  /** Reports that records now go to the spool, or directly to the stream again. */
  readonly onState: (state: "spooling" | "direct", reason: string) => void;
}

/** Writes the records of one project to the stream or to its spool. */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #inProgress = new Set<Promise<unknown>>();
  /** Writes wait for it before they choose between stream and spool. */
  #gate: Promise<void>;
  #disk: SpoolLog | null = null;
  #timer: Timer | null = null;
  #closed = false;

  /** Checks first for a spool that an earlier process left. */
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
   * Writes records to the stream, or to the spool while the engine is unreachable.
   * @throws {WeaveWalError} `ERR_LOG_FULL`, `ERR_LOG_CLOSED`, `ERR_RECORD_TOO_LARGE`; the file
   * system error if the spool cannot be written.
   */
  async write(records: readonly WriteRecord[]): Promise<void> {
    for (let gate: Promise<void> | null = null; gate !== this.#gate;) await (gate = this.#gate);
    await this.#tracked(this.#disk === null ? this.#direct(records) : this.#disk.append(records));
  }

  /** Closes the file log. The next relay on this directory forwards its contents. */
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
        // New writes wait for those in progress, which may fail too.
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

  /** Waits until the spool is forwarded; nothing is written in the meantime. */
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
