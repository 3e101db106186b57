/**
 * Puts a log and a sender together.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import { Deliverer } from "../delivery/deliverer.ts";
import { Sender } from "../delivery/sender.ts";
import { Slots } from "../delivery/wakeup.ts";
import { actsOnEarlier } from "../delivery/record_path.ts";
import type { Timer } from "../runtime/runtime.ts";
import { FailoverLog } from "../wal/failover_log.ts";
import { FileLog } from "../wal/file_log.ts";
import { HEARTBEAT_MS } from "../wal/heartbeat.ts";
import { MemoryLog } from "../wal/memory_log.ts";
import { projectDirectory } from "../wal/names.ts";
import { projectDirectories, Recovery } from "../wal/recovery.ts";
import { countRecords } from "../wal/count.ts";
import type { LogListener, RequestLog } from "../wal/request_log.ts";
import type { DeadLetter } from "../wal/segment.ts";
import type { RecordType } from "../weave/record_types.ts";
import type {
  FlushOptions,
  FlushResult,
  Pipeline,
  PipelineEvent,
  PipelineOptions,
} from "./pipeline.ts";

/** Bytes of one record that are read into memory at most: the server's own request limit. */
const MAX_RECORD_BYTES = 33 * 1024 * 1024;
/** Bytes with which a live log does not wait for more. */
const LINGER_BYTES = 512 * 1024;
/** Segments read and sent at once. */
const MAX_ACTIVE_DRAINS = 4;
/** Requests of one window under way at once. */
const MAX_IN_FLIGHT = 4;

/**
 * Opens a pipeline: the file log or the memory log in front, and, unless it is off, the sender
 * behind, which at once looks for what earlier processes left.
 *
 * @throws {WeaveWalError} `ERR_LOG_UNWRITABLE` when `requireDisk` is set and the log's directory
 *   cannot be used; `ERR_INVALID_NAME` for names that cannot be path parts.
 */
export function openPipeline(options: PipelineOptions): Pipeline {
  return new LogPipeline(options);
}

class LogPipeline implements Pipeline {
  readonly #options: PipelineOptions;
  readonly #log: RequestLog;
  readonly #sender: Sender | null;
  readonly #recovery: Recovery | undefined;
  readonly #token: string;
  readonly #takeBack: (() => void)[] = [];
  #heartbeat: Timer | null = null;
  #delivered = 0;
  #deadLettered = 0;
  #dropped = 0;
  #closed = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#token = options.token();
    this.#recovery = this.#makeRecovery();
    this.#sender = options.sender ? this.#makeSender() : null;
    this.#log = this.#makeLog();
    if (this.#sender) {
      this.#sender.start();
      const { process } = options.runtime;
      this.#takeBack.push(process.onNaturalExit(() => this.#lastDrain()));
    }
    this.#takeBack.push(options.runtime.process.onExit(() => this.#closeNow()));
    this.#beatLater();
  }

  append(type: RecordType, request: string): void {
    if (this.#closed) {
      this.#drop("log-closed", "A record came after finish() and is not kept");
      return;
    }
    try {
      this.#log.append(type, request);
    } catch (error) {
      this.#drop("log-full", `Dropped a record: ${messageOf(error)}`);
    }
  }

  sync(): Promise<void> {
    return this.#log.sync();
  }

  async flush({ timeout, signal }: FlushOptions = {}): Promise<FlushResult> {
    if (this.#sender === null) {
      await this.#log.sync().catch((error) => this.#trouble("sync", error));
      return await this.#result("sender-off");
    }
    const end = await this.#sender.wait(timeout, signal);
    return await this.#result(end === "done" ? undefined : end);
  }

  async finish(options: FlushOptions = {}): Promise<FlushResult> {
    if (this.#closed) return await this.#result(undefined);
    this.#closed = true;
    if (this.#options.fsync !== "never") {
      await this.#log.sync().catch((error) => this.#trouble("sync", error));
    }
    this.#log.close();
    const result = await this.flush(options);
    await this.#sender?.stop();
    await this.#log.settled();
    this.#heartbeat?.cancel();
    for (const takeBack of this.#takeBack) takeBack();
    return result;
  }

  #makeLog(): RequestLog {
    const { runtime, wal, maxMemoryBytes, maxMemoryRecords } = this.#options;
    const listener: LogListener = {
      onSegment: (segment) => this.#sender?.add(segment),
      onAppend: () => this.#sender?.notify(),
      onSyncError: (error) => this.#trouble("sync", error),
      onDetached: () =>
        this.#tell(
          "warn",
          "log-removed",
          "A file of the log was removed or replaced; beginning anew",
        ),
    };
    const memory = new MemoryLog({
      maxBytes: maxMemoryBytes,
      maxRecords: maxMemoryRecords,
      listener,
      onSetAside: (letters) =>
        this.#tell(
          "error",
          "dead-letter-lost",
          `${letters.length} refused records could not be kept: the log is in memory`,
        ),
    });
    if (!wal) return memory;
    const { entity, project, walDir, serverUrl, sender, requireDisk } = this.#options;
    const disk = new FileLog({
      ...this.#options,
      root: walDir,
      directory: projectDirectory(walDir, entity, project),
      writer: this.#token,
      server: serverUrl,
      sender,
      listener,
    });
    if (requireDisk) {
      try {
        disk.prepare();
      } catch (error) {
        throw new WeaveWalError(
          "ERR_LOG_UNWRITABLE",
          `Cannot write the log in directory: ${JSON.stringify(walDir)} (${messageOf(error)}); ` +
            "make it writable or choose another with walDir",
          { cause: error },
        );
      }
    }
    return new FailoverLog({
      clock: runtime.clock,
      disk,
      memory,
      onDisk: (error) =>
        error === null
          ? this.#tell("info", "disk-recovered", "The log is on disk again")
          : this.#tell(
            "warn",
            "disk-failed",
            `Cannot write the log on disk, keeping records in memory: ${messageOf(error)}`,
          ),
    });
  }

  #makeRecovery(): Recovery | undefined {
    const { wal, sender, runtime, serverUrl } = this.#options;
    if (!wal || !sender) return undefined;
    return new Recovery({ runtime, server: serverUrl, token: this.#token });
  }

  #makeSender(): Sender {
    const { runtime, fetch, random, batchBytes, batchRecords, lingerMs } = this.#options;
    const { clock } = runtime;
    const { walDir, entity, project } = this.#options;
    const own = projectDirectory(walDir, entity, project);
    const deliverer = new Deliverer({
      ...this.#options,
      fetch,
      clock,
      random,
      newId: this.#options.token,
      maxInFlight: MAX_IN_FLIGHT,
      onState: (state, reason) =>
        state === "up"
          ? this.#tell("info", "server-up", "The server takes requests again")
          : state === "down"
          ? this.#tell("warn", "server-down", `Cannot deliver, trying again: ${reason}`)
          : this.#tell("error", "server-held", `Cannot deliver until this is mended: ${reason}`),
      onRetry: (reason) => this.#tell("debug", "retry", reason),
      onSwitch: (to, reason) => this.#tell("info", "call-path", `Calls go ${to} now: ${reason}`),
    });
    return new Sender({
      clock,
      deliverer,
      drain: {
        clock,
        deliverer,
        limits: {
          bytes: batchBytes,
          records: batchRecords,
          recordBytes: MAX_RECORD_BYTES,
          standsAlone: actsOnEarlier,
        },
        lingerBytes: Math.min(LINGER_BYTES, batchBytes),
        lingerMs,
        slots: new Slots(MAX_ACTIVE_DRAINS),
        onProgress: (delivered, _bytes, letters) => this.#progress(delivered, letters),
        onTrouble: (what, error) => this.#trouble(what, error),
      },
      recovery: this.#recovery,
      directories: () => projectDirectories(runtime, walDir, own),
      onTrouble: (what, error) => this.#trouble(what, error),
      onLost: () => {
        if (!this.#closed) this.#log.rotate();
      },
      onRecovered: ({ name }) => this.#tell("info", "recovered", `Sending what was left: ${name}`),
    });
  }

  #progress(delivered: number, letters: readonly DeadLetter[]): void {
    this.#delivered += delivered;
    this.#deadLettered += letters.length;
    for (const { reason, status } of letters) {
      const why = status === undefined ? reason : `${reason}, HTTP ${status}`;
      this.#tell("error", "dead-letter", `Set a record aside: ${why}`);
    }
    this.#sender?.changed();
  }

  async #lastDrain(): Promise<void> {
    if (this.#closed) return;
    this.#log.rotate();
    await this.flush({ timeout: this.#options.exitDrainMs });
  }

  #closeNow(): void {
    this.#closed = true;
    this.#log.close();
    this.#sender?.abandon();
  }

  #beatLater(): void {
    if (!this.#options.wal) return;
    this.#heartbeat = this.#options.runtime.clock.after(HEARTBEAT_MS, () => {
      try {
        this.#log.beat();
        this.#recovery?.beat();
      } catch (error) {
        this.#trouble("heartbeat", error);
      }
      this.#beatLater();
    });
  }

  async #result(reason: FlushResult["reason"]): Promise<FlushResult> {
    let pendingRecords = 0;
    const drains = this.#sender?.drains() ?? [];
    const pendingBytes = this.#sender?.pendingBytes() ?? 0;
    if (reason !== undefined) {
      for (const { segment, acknowledged } of drains) {
        pendingRecords += await countRecords(segment, acknowledged).catch(() => 0);
      }
    }
    return {
      done: reason === undefined,
      pendingBytes,
      pendingRecords,
      delivered: this.#delivered,
      deadLettered: this.#deadLettered,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  #drop(name: string, message: string): void {
    if (this.#dropped++ === 0) this.#tell("error", name, message);
  }

  #trouble(what: string, error: unknown): void {
    this.#tell("warn", "disk-trouble", `Trouble with the log (${what}): ${messageOf(error)}`);
  }

  #tell(level: PipelineEvent["level"], name: string, message: string): void {
    this.#options.onEvent({ level, name, message });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
