/**
 * Puts a log and a sender together.
 *
 * @module
 */

import { errorCode, hasCode, WeaveWalError } from "../../errors.ts";
import { Deliverer } from "../../delivery/delivery_client.ts";
import { retryDeadLetters, type RetryResult } from "../../delivery/retry_dead_letters.ts";
import { Sender } from "../../delivery/sender.ts";
import { Slots } from "../../delivery/async/signal.ts";
import { actsOnEarlier } from "../../delivery/records/record_sender.ts";
import { withGuardedLinks } from "../../runtime/link_guard.ts";
import type { Timer } from "../../runtime/runtime.ts";
import { DigestBook } from "../../wal/digest_map.ts";
import { ExitDrain } from "./exit_drain.ts";
import { DropOldest } from "./segment_evictor.ts";
import { DiskQuota } from "../../wal/log/disk_quota.ts";
import { FailoverLog } from "../../wal/log/failover_log.ts";
import { FileLog } from "../../wal/log/file_log.ts";
import { HEARTBEAT_MS } from "../../wal/ownership/failure_detector.ts";
import { MemoryLog } from "../../wal/log/memory_log.ts";
import { saveLongNames } from "../../wal/segment/long_names.ts";
import { projectDirectory, writerToken } from "../../wal/segment/segment_name.ts";
import { projectDirectories, Recovery } from "../../wal/ownership/orphan_scanner.ts";
import type { LogListener, RequestLog } from "../../wal/log/record_log.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { SenderNote } from "../../wal/ownership/sender_status.ts";
import { isProvisional } from "../../protocol/digest/provisional.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type {
  DeliveryWait,
  FlushOptions,
  FlushResult,
  Pipeline,
  PipelineOptions,
  PipelineStats,
} from "./pipeline.ts";
import { type DropCause, PipelineLedger } from "./stats.ts";
import { PipelineVoice } from "./event_reporter.ts";

/** Bytes of one record that are read into memory at most: the server's own request limit. */
const MAX_RECORD_BYTES = 33 * 1024 * 1024;
/** Bytes with which a live log does not wait for more. */
const LINGER_BYTES = 512 * 1024;
/** Segments read and sent at once. */
const MAX_ACTIVE_DRAINS = 4;
/** Requests of one window under way at once. */
const MAX_IN_FLIGHT = 4;
/** Ms of trouble with the server after which a failed attempt ends the waits of reads. */
const HOPE_MS = 1_000;
/** How often what waits is counted anew because it moved meanwhile. */
const MAX_COUNTS = 5;

/**
 * Opens a pipeline: the file log or the memory log in front, and, unless it is off, the sender
 * behind, which at once looks for what earlier processes left.
 *
 * @throws {WeaveWalError} `ERR_LOG_UNWRITABLE` when `requireDisk` is set and the log's directory
 *   cannot be used; `ERR_INVALID_NAME` for names that cannot be path parts.
 */
export function openPipeline(options: PipelineOptions): Pipeline {
  const { wal, walDir, entity, project } = options;
  if (!wal) return new LogPipeline(options);
  const runtime = withGuardedLinks(options.runtime, walDir);
  try {
    saveLongNames(runtime.files, walDir, entity, project);
  } catch {
    // The log meets the same trouble, and reports it.
  }
  return new LogPipeline({ ...options, runtime });
}

class LogPipeline implements Pipeline {
  readonly #options: PipelineOptions;
  readonly #ledger: PipelineLedger;
  readonly #voice: PipelineVoice;
  readonly #token: string;
  readonly #log: RequestLog;
  readonly #quota: DiskQuota | null;
  readonly #digests: DigestBook;
  readonly #deliverer: Deliverer;
  readonly #sender: Sender | null;
  readonly #recovery: Recovery | undefined;
  readonly #dropOldest: DropOldest | null;
  readonly #note: SenderNote | null;
  readonly #takeBack: (() => void)[] = [];
  #heartbeat: Timer | null = null;
  /** What recovery met before a first record showed whether the disk takes any. */
  #early: unknown = null;
  #closed = false;
  /** Waits of reads for what was written before them. */
  readonly #waits = new Set<AbortController>();

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { runtime, wal, sender, walDir, serverUrl } = options;
    this.#ledger = new PipelineLedger(runtime.clock);
    this.#voice = new PipelineVoice(runtime.clock, options.onEvent);
    this.#token = writerToken(options.token(), options.serverUrl);
    const sends = wal && sender;
    this.#note = sends ? new SenderNote(runtime, walDir, this.#token) : null;
    this.#recovery = sends
      ? new Recovery({ runtime, server: serverUrl, token: this.#token })
      : undefined;
    this.#quota = wal ? this.#makeQuota() : null;
    this.#digests = new DigestBook(wal ? runtime.files : null, walDir);
    this.#deliverer = this.#makeDeliverer();
    this.#sender = sender ? this.#makeSender() : null;
    this.#log = this.#makeLog();
    this.#dropOldest = this.#makeDropOldest();
    if (this.#sender) {
      this.#sender.start();
      this.#takeBack.push(this.#awaitExit(this.#sender));
    }
    this.#takeBack.push(runtime.process.onExit(() => this.#closeNow()));
    this.#beatLater();
  }

  append(type: RecordType, request: string): void {
    if (this.#closed) {
      this.#drop("closed", 1, "it came after finish()");
      return;
    }
    try {
      this.#log.append(type, request);
      this.#ledger.appended++;
    } catch (error) {
      const full = errorCode(error) === "ERR_LOG_FULL";
      const cause = !full ? "failed" : this.#log.kind === "file" ? "quota-new" : "memory-full";
      this.#drop(cause, 1, messageOf(error));
    }
    this.#dropOldest?.makeRoom();
  }

  sync(): Promise<void> {
    return this.#log.sync();
  }

  async flush({ timeout, signal }: FlushOptions = {}): Promise<FlushResult> {
    if (this.#sender === null) {
      await this.#log.sync().catch((error) => this.#syncTrouble(error));
      return await this.#result("sender-off");
    }
    const end = await this.#sender.wait(timeout, signal);
    return await this.#result(end === "done" ? undefined : end);
  }

  async delivered(timeout: number): Promise<DeliveryWait> {
    if (this.#sender === null) {
      return { end: this.#ledger.appended === 0 ? "delivered" : "sender-off" };
    }
    const giveUp = new AbortController();
    this.#waits.add(giveUp);
    const end = await this.#sender.wait(timeout, giveUp.signal, true);
    this.#waits.delete(giveUp);
    if (end === "done") return { end: "delivered" };
    if (end === "timeout") return { end };
    return { end: "unreachable", reason: this.#ledger.server.reason };
  }

  async stats(): Promise<PipelineStats> {
    const { records, bytes } = await this.#pending();
    const { clock } = this.#options.runtime;
    const ages = (this.#sender?.drains() ?? [])
      .map(({ pendingSince }) => pendingSince)
      .filter((since) => since !== null)
      .map((since) => Math.max(0, clock.now() - since));
    const { appended, delivered, deadLettered, dropped, lastDelivery, lastError, server } =
      this.#ledger;
    return {
      log: this.#log.kind,
      pendingRecords: records,
      pendingBytes: bytes,
      oldestPendingMs: ages.length === 0 ? null : Math.max(...ages),
      appended,
      delivered,
      deadLettered,
      dropped: { ...dropped },
      lastDelivery,
      lastError,
      server,
      disk: this.#quota && {
        usedBytes: this.#quota.recount(),
        maxBytes: this.#quota.maxBytes,
      },
    };
  }

  finalDigest(digest: string): string {
    return isProvisional(digest) ? this.#digests.final(digest) ?? digest : digest;
  }

  async retryDeadLetters(options: { signal?: AbortSignal } = {}): Promise<RetryResult> {
    const { runtime, serverUrl, wal } = this.#options;
    return await retryDeadLetters({
      runtime,
      deliverer: this.#deliverer,
      server: serverUrl,
      token: this.#token,
      directories: wal ? [this.#directory()] : [],
      ...(options.signal ? { stop: options.signal } : {}),
    });
  }

  async finish(options: FlushOptions = {}): Promise<FlushResult> {
    if (this.#closed) return await this.#result(undefined);
    this.#closed = true;
    this.#tellEarly();
    if (this.#options.fsync !== "never") {
      await this.#log.sync().catch((error) => this.#syncTrouble(error));
    }
    await this.#dropOldest?.close();
    this.#log.close();
    const result = await this.flush(options);
    await this.#sender?.stop();
    this.#deliverer.stop();
    await this.#log.settled();
    this.#heartbeat?.cancel();
    this.#withNote((note) => note.remove());
    for (const takeBack of this.#takeBack) takeBack();
    return result;
  }

  #makeQuota(): DiskQuota {
    const { runtime: { files, clock }, maxDiskBytes } = this.#options;
    return new DiskQuota({ files, clock, directory: this.#directory(), maxBytes: maxDiskBytes });
  }

  #makeLog(): RequestLog {
    const { runtime, maxMemoryBytes, maxMemoryRecords } = this.#options;
    const listener: LogListener = {
      onSegment: (segment) => {
        this.#sender?.add(segment);
        this.#tellEarly();
      },
      onAppend: () => this.#sender?.notify(),
      onSyncError: (error) => this.#trouble("sync", error),
      onSyncUnsupported: (error) =>
        this.#voice.tell(
          "warn",
          "sync-unsupported",
          `Cannot force records to stable storage: ${messageOf(error)}. Records are on disk and ` +
            "survive the end of this process, but may be lost when the machine goes down",
        ),
      onDetached: () =>
        this.#voice.tell(
          "warn",
          "log-removed",
          "A file of the log was removed or replaced: began anew",
        ),
    };
    const memory = new MemoryLog({
      maxBytes: maxMemoryBytes,
      maxRecords: maxMemoryRecords,
      clock: runtime.clock,
      listener,
      onSetAside: ({ length }) =>
        this.#drop("refused-in-memory", length, "the server refused it and the log is in memory"),
    });
    if (this.#quota === null) return memory;
    const { walDir, serverUrl, sender, requireDisk } = this.#options;
    const disk = new FileLog({
      ...this.#options,
      root: walDir,
      directory: this.#directory(),
      writer: this.#token,
      server: serverUrl,
      sender,
      quota: this.#quota,
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
      sender,
      onDisk: (error) => this.#diskChanged(error),
    });
  }

  #makeDropOldest(): DropOldest | null {
    const quota = this.#quota;
    const { runtime, serverUrl, quotaPolicy } = this.#options;
    if (quota === null || quotaPolicy !== "drop-oldest") return null;
    return new DropOldest({
      clock: runtime.clock,
      quota,
      log: this.#log,
      sender: this.#sender,
      recovery: new Recovery({ runtime, server: serverUrl, token: this.#token, ownToo: true }),
      directory: this.#directory(),
      onDropped: (records) => this.#droppedOldest(records),
      onTrouble: (error) => this.#trouble("quota", error),
    });
  }

  #droppedOldest(records: number): void {
    this.#drop("quota-oldest", records, "maxDiskBytes is nearly reached");
  }

  #makeDeliverer(): Deliverer {
    return new Deliverer({
      ...this.#options,
      clock: this.#options.runtime.clock,
      digests: this.#digests,
      newId: this.#options.token,
      maxInFlight: MAX_IN_FLIGHT,
      onState: (state, reason) => {
        this.#ledger.serverChanged(state, reason);
        this.#voice.server(this.#ledger.server);
        this.#withNote((note) => note.write(this.#report()));
        this.#giveUpWaits();
      },
      onRetry: (reason) => {
        this.#ledger.requestFailed(reason);
        this.#voice.tell("debug", "retry", reason);
        this.#giveUpWaits();
      },
      onSwitch: (to, reason) =>
        this.#voice.tell("info", "call-path", `Calls go ${to} now: ${reason}`),
    });
  }

  #makeSender(): Sender {
    const { runtime, batchBytes, batchRecords, lingerMs, walDir } = this.#options;
    const { clock } = runtime;
    const own = this.#directory();
    const deliverer = this.#deliverer;
    const onTrouble = (what: string, error: unknown): void => this.#trouble(what, error);
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
        onProgress: (delivered, letters) => this.#progress(delivered, letters),
        onDropped: (records) => this.#droppedOldest(records),
        onComplete: () => this.#quota?.recount(),
        onTrouble,
      },
      recovery: this.#recovery,
      directories: () => projectDirectories(runtime, walDir, own),
      onTrouble,
      onLost: () => {
        if (!this.#closed) this.#log.rotate();
      },
      onRecovered: ({ name }) =>
        this.#voice.tell("info", "recovered", `Sending what was left: ${name}`),
    });
  }

  #directory(): string {
    const { walDir, entity, project } = this.#options;
    return projectDirectory(walDir, entity, project);
  }

  #diskChanged(error: unknown): void {
    if (error !== null) this.#ledger.failed(messageOf(error));
    this.#voice.disk(error === null ? null : messageOf(error));
  }

  #progress(delivered: number, letters: readonly DeadLetter[]): void {
    // What a log in memory cannot set aside is counted as dropped instead.
    this.#ledger.settled(delivered, this.#options.wal ? letters : []);
    for (const { reason, status } of letters) {
      const why = status === undefined ? reason : `${reason}, HTTP ${status}`;
      this.#ledger.failed(why);
      this.#voice.deadLetter(why);
    }
    this.#sender?.changed();
  }

  /** Nobody waits for a server that is known not to take requests. */
  #giveUpWaits(): void {
    const { state, since } = this.#ledger.server;
    const downMs = this.#options.runtime.clock.now() - since;
    if (state === "held" || (state === "down" && downMs >= HOPE_MS)) {
      for (const wait of this.#waits) wait.abort();
    }
  }

  /** Gets ready for the end of the program; the result undoes that. */
  #awaitExit(sender: Sender): () => void {
    const { exitDrainMs, heldMs, drainOnSignal = false, runtime: { clock, process } } =
      this.#options;
    const exit = new ExitDrain({
      clock,
      process,
      exitDrainMs,
      heldMs,
      drainOnSignal,
      drain: (timeoutMs) => this.#lastDrain(sender, timeoutMs),
      appended: () => this.#ledger.appended,
    });
    return () => exit.close();
  }

  /** Delivers what waits, at the end of the program. */
  async #lastDrain(sender: Sender, timeoutMs: number): Promise<void> {
    if (this.#closed) return;
    this.#tellEarly();
    this.#log.rotate();
    // Not `flush`: to count what is left takes longer than there is time.
    const end = await sender.wait(timeoutMs, undefined);
    if (end !== "done") this.#deliverer.interrupt();
  }

  /** What listeners that come later record goes into a file of its own. */
  #closeNow(): void {
    this.#log.close();
    this.#sender?.abandon();
    this.#withNote((note) => note.remove());
  }

  #beatLater(): void {
    this.#heartbeat = this.#options.runtime.clock.after(HEARTBEAT_MS, () => {
      for (const part of [this.#log, this.#recovery]) {
        try {
          part?.beat();
        } catch (error) {
          this.#trouble("heartbeat", error);
        }
      }
      if (this.#quota && this.#quota.used > this.#quota.maxBytes / 2) this.#quota.recount();
      this.#withNote((note) => note.write(this.#report()));
      this.#tellEarly();
      this.#voice.remind(this.#ledger.server);
      this.#beatLater();
    });
  }

  #report(): Parameters<SenderNote["write"]>[0] {
    const { delivered, deadLettered, lastDelivery, lastError, server } = this.#ledger;
    const { serverUrl } = this.#options;
    return { server: serverUrl, ...server, delivered, deadLettered, lastDelivery, lastError };
  }

  #withNote(work: (note: SenderNote) => void): void {
    try {
      if (this.#note) work(this.#note);
    } catch (error) {
      this.#trouble("note", error);
    }
  }

  async #result(reason: FlushResult["reason"]): Promise<FlushResult> {
    const { delivered, deadLettered } = this.#ledger;
    const { records, bytes } = await this.#pending();
    return {
      done: reason === undefined,
      pendingBytes: bytes,
      pendingRecords: records,
      delivered,
      deadLettered,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  async #pending(): Promise<{ records: number; bytes: number }> {
    if (this.#sender === null) return this.#log.written;
    for (let tries = 1;; tries++) {
      const before = this.#ledger.movements;
      const bytes = this.#sender.pendingBytes();
      let records = 0;
      for (const drain of this.#sender.drains()) {
        records += await drain.countPending().catch(() => 0);
      }
      // What moved while it was counted would be counted on both sides, or on none.
      if (before === this.#ledger.movements || tries === MAX_COUNTS) return { records, bytes };
    }
  }

  #drop(cause: DropCause, records: number, why: string): void {
    this.#voice.dropped(cause, this.#ledger.drop(cause, records), why);
  }

  #trouble(what: string, error: unknown): void {
    this.#ledger.failed(`${what}: ${messageOf(error)}`);
    if (what === "recovery" && this.#ledger.appended === 0 && !this.#closed) {
      this.#early = error;
      return;
    }
    this.#tellTrouble(what, error);
  }

  /** That this host cannot sync at all was reported when the log found out. */
  #syncTrouble(error: unknown): void {
    if (!hasCode(error, "ENOTSUP")) this.#trouble("sync", error);
  }

  #tellEarly(): void {
    const error = this.#early;
    if (error === null) return;
    this.#early = null;
    this.#tellTrouble("recovery", error);
  }

  #tellTrouble(what: string, error: unknown): void {
    // What follows from a disk that is known to have failed is no news.
    const isNews = !this.#options.wal || this.#log.kind !== "memory";
    this.#voice.trouble(what, messageOf(error), isNews);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
