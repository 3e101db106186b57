/**
 * A log and its sender, as one pipeline.
 *
 * @module
 */

import { errorCode, hasCode, WeaveWalError } from "../../errors.ts";
import { type CreatedSender, createSender } from "../../delivery/create_sender.ts";
import { DeliveryClient } from "../../delivery/delivery_client.ts";
import { retryDeadLetters, type RetryResult } from "../../delivery/retry_dead_letters.ts";
import type { Sender } from "../../delivery/sender.ts";
import { isProvisional } from "../../protocol/digest/provisional.ts";
import type { OtelRecordType } from "../../protocol/otlp/otel_request.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { Timer } from "../../runtime/runtime.ts";
import { DigestMap } from "../../wal/digest_map.ts";
import { DiskLog } from "../../wal/log/disk_log.ts";
import { DiskQuota } from "../../wal/log/disk_quota.ts";
import { QuotaForecast } from "../../wal/log/quota_forecast.ts";
import { FailoverLog } from "../../wal/log/failover_log.ts";
import { FileLog } from "../../wal/log/file_log.ts";
import { MemoryLog } from "../../wal/log/memory_log.ts";
import type { LocalLog, LogListener, WriteRecord } from "../../wal/log/record_log.ts";
import { HEARTBEAT_MS } from "../../wal/ownership/failure_detector.ts";
import { OrphanScanner, projectDirectories } from "../../wal/ownership/orphan_scanner.ts";
import { Presence } from "../../wal/ownership/presence.ts";
import type { LogReport, SenderReport } from "../../wal/ownership/presence_state.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { Waiting } from "../../wal/segment/waiting_counter.ts";
import { projectName } from "../../wal/segment/long_names.ts";
import { projectDirectory, writerToken } from "../../wal/segment/segment_name.ts";
import { EventReporter, type PendingPlaces } from "./event_reporter.ts";
import { ExitDrain } from "./exit_drain.ts";
import type {
  DeliveryWait,
  FlushOptions,
  FlushResult,
  Pipeline,
  PipelineOptions,
  PipelineReports,
  StrictPipeline,
  WalStats,
} from "./pipeline.ts";
import { SegmentEvictor } from "./segment_evictor.ts";
import { type DropCause, PipelineLedger } from "./stats.ts";

/** Requests of one batch under way at once. */
const MAX_IN_FLIGHT = 4;
/** Ms of trouble with the server after which a failed attempt ends the waits of reads. */
const HOPE_MS = 1_000;
/** Maximum number of recounts of pending records that changed during the count. */
const MAX_COUNTS = 5;

/** A pipeline over the file log or the memory log. */
export class LogPipeline implements Pipeline, StrictPipeline {
  readonly resolvesDigests = true;
  readonly #options: PipelineOptions;
  readonly #ledger: PipelineLedger;
  readonly #reporter: EventReporter;
  readonly #token: string;
  readonly #log: LocalLog;
  #memory: MemoryLog | null = null;
  /** The log, where what the disk does not take is refused. */
  #strict: DiskLog | null = null;
  #disk: FileLog | null = null;
  readonly #quota: DiskQuota | null;
  readonly #forecast: QuotaForecast | null;
  readonly #digests: DigestMap;
  readonly #deliveryClient: DeliveryClient;
  readonly #sender: Sender | null;
  readonly #created: CreatedSender | null;
  readonly #dropOldest: SegmentEvictor | null;
  readonly #presence: Presence | null;
  readonly #takeBack: (() => void)[] = [];
  #heartbeat: Timer | null = null;
  /** Errors of recovery before the first record showed whether the disk can be written. */
  #early: unknown = null;
  #closed = false;
  /** Waits of reads for what was written before them. */
  readonly #waits = new Set<AbortController>();

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { runtime, wal, sender, walDir, serverUrl } = options;
    this.#ledger = new PipelineLedger(runtime.clock);
    this.#reporter = new EventReporter({
      clock: runtime.clock,
      onEvent: options.onEvent,
      project: `${options.entity}/${options.project}`,
      server: serverUrl,
      pending: () => this.#pendingPlaces(),
      projectAt: (directory) => projectName(runtime.files, directory),
    });
    this.#token = writerToken(options.token(), options.serverUrl);
    this.#presence = wal
      ? new Presence({
        runtime,
        root: walDir,
        token: this.#token,
        server: serverUrl,
        sender,
        report: () => sender ? this.#report() : null,
        log: () => this.#logReport(),
        onWake: () => this.#sender?.sendNow(),
      })
      : null;
    this.#quota = wal ? this.#makeQuota() : null;
    this.#forecast = this.#quota && new QuotaForecast(runtime.clock, this.#quota);
    this.#digests = new DigestMap(wal ? runtime.files : null, walDir);
    this.#deliveryClient = this.#makeDeliveryClient();
    const created = sender ? this.#makeSender() : null;
    this.#created = created;
    this.#sender = created?.sender ?? null;
    this.#log = this.#makeLog();
    this.#dropOldest = this.#makeDropOldest();
    void this.#quota?.recount();
    if (this.#sender) {
      this.#sender.start();
      this.#takeBack.push(this.#awaitExit(this.#sender));
    }
    this.#takeBack.push(runtime.process.onExit(() => this.#closeNow()));
    this.#scheduleHeartbeat();
  }

  append(type: RecordType, request: string): void {
    if (this.#strict) return this.appendAll([[type, request]]);
    if (this.#closed) {
      this.#drop("closed", 1, "it came after finish()");
      return;
    }
    try {
      this.#log.append(type, request);
      this.#ledger.append(1);
    } catch (error) {
      const full = errorCode(error) === "ERR_LOG_FULL";
      const cause = !full ? "failed" : this.#log.kind === "file" ? "quota-new" : "memory-full";
      this.#drop(cause, 1, messageOf(error));
    }
    this.#dropOldest?.makeRoom();
  }

  appendAll(records: readonly WriteRecord[]): void {
    if (this.#strict === null) {
      for (const [type, request] of records) this.append(type, request);
      return;
    }
    if (this.#closed) {
      throw new WeaveWalError("ERR_LOG_CLOSED", "Cannot append a record: the log is closed");
    }
    this.#strict.appendAll(records);
    this.#ledger.append(records.length);
    this.#dropOldest?.makeRoom();
  }

  noteSpanStart(type: OtelRecordType, request: string): void {
    // What memory holds ends with the process.
    if (this.#closed || this.#disk === null || this.#log.kind === "memory") return;
    try {
      this.#disk.noteSpanStart(type, request);
    } catch {
      // The end of the span meets the same error, where it is reported.
    }
  }

  sync(): Promise<void> {
    return this.#log.sync();
  }

  async flush(options: FlushOptions = {}): Promise<FlushResult> {
    return await this.#flush(options, "all");
  }

  async #flush({ timeout, signal }: FlushOptions, scope: "held" | "all"): Promise<FlushResult> {
    if (this.#sender === null) {
      await this.#log.sync().catch((error) => this.#syncTrouble(error));
      return await this.#result("sender-off", scope);
    }
    const end = await this.#sender.wait(timeout, signal, scope);
    return await this.#result(end === "done" ? undefined : end, scope);
  }

  async delivered(timeout: number): Promise<DeliveryWait> {
    if (this.#sender === null) {
      return { end: this.#ledger.appended === 0 ? "delivered" : "sender-off" };
    }
    const giveUp = new AbortController();
    this.#waits.add(giveUp);
    const end = await this.#sender.wait(timeout, giveUp.signal, "own");
    this.#waits.delete(giveUp);
    if (end === "done") return { end: "delivered" };
    if (end === "timeout") return { end };
    return { end: "unreachable", reason: this.#ledger.server.reason };
  }

  async stats(): Promise<WalStats> {
    await this.#quota?.refresh();
    // Without a sender nobody here learns what another process has delivered.
    const oldest = this.#sender === null
      ? this.#ledger.firstAppend
      : await this.#sender.oldestPending();
    // Last: counters that move after it would not match.
    const { records, bytes, isEstimate } = await this.#pending("all");
    const { clock } = this.#options.runtime;
    const { appended, delivered, deadLettered, dropped, lastDelivery, lastError, server } =
      this.#ledger;
    const { diskError } = this.#ledger;
    return {
      log: this.#log.kind,
      pendingRecords: records,
      pendingBytes: bytes,
      ...(isEstimate ? { pendingEstimated: true } : {}),
      oldestPendingMs: oldest === null || records === 0 ? null : Math.max(0, clock.now() - oldest),
      appended,
      delivered,
      deadLettered,
      dropped: { ...dropped },
      lastDelivery,
      lastError,
      server: { ...server, nextAttempt: this.#nextAttempt() },
      memory: this.#inMemory(),
      diskError,
      disk: this.#quota && {
        usedBytes: this.#quota.used,
        maxBytes: this.#quota.maxBytes,
        fullAt: this.#forecast!.fullAt,
      },
    };
  }

  reports(): PipelineReports {
    const { pid, host } = this.#options.runtime.process;
    return { pid, host, log: this.#logReport(), sender: this.#sender && this.#report() };
  }

  finalDigest(digest: string): string {
    return isProvisional(digest) ? this.#digests.final(digest) ?? digest : digest;
  }

  async retryDeadLetters(options: { signal?: AbortSignal } = {}): Promise<RetryResult> {
    const { runtime, serverUrl, wal } = this.#options;
    return await retryDeadLetters({
      runtime,
      deliveryClient: this.#deliveryClient,
      server: serverUrl,
      token: this.#token,
      directories: wal ? [this.#directory()] : [],
      ...(options.signal ? { stop: options.signal } : {}),
    });
  }

  async finish(options: FlushOptions = {}): Promise<FlushResult> {
    // What another process sends does not keep this one.
    if (this.#closed) return await this.#flush(options, "held");
    this.#closed = true;
    this.#tellEarly();
    if (this.#options.fsync !== "never") {
      await this.#log.sync().catch((error) => this.#syncTrouble(error));
    }
    await this.#dropOldest?.close();
    this.#log.close();
    const result = await this.#flush(options, "held");
    await this.#created?.stop();
    this.#deliveryClient.stop();
    await this.#log.settled();
    this.#heartbeat?.cancel();
    this.#endPresence(result.pendingBytes > 0 || this.#hasOpenCalls);
    for (const takeBack of this.#takeBack) takeBack();
    return result;
  }

  #makeQuota(): DiskQuota {
    const { runtime: { files, clock }, maxDiskBytes } = this.#options;
    return new DiskQuota({ files, clock, directory: this.#directory(), maxBytes: maxDiskBytes });
  }

  #makeLog(): LocalLog {
    const { runtime, maxMemoryBytes, maxMemoryRecords } = this.#options;
    const listener: LogListener = {
      onSegment: (segment) => {
        this.#sender?.add(segment);
        this.#tellEarly();
      },
      onAppend: () => this.#sender?.notify(),
      onSyncError: (error) => this.#trouble("sync", error),
      onSyncUnsupported: (error) =>
        this.#reporter.report(
          "warn",
          "sync-unsupported",
          `Cannot force records to stable storage: ${messageOf(error)}. Records are on disk and ` +
            "survive the end of this process, but may be lost when the machine goes down",
        ),
      onDetached: () =>
        this.#reporter.report(
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
      onDeadLetter: ({ length }) =>
        this.#drop("refused-in-memory", length, "the server refused it and the log is in memory"),
    });
    this.#memory = memory;
    if (this.#quota === null) return memory;
    const { walDir, sender, requireDisk } = this.#options;
    const disk = this.#disk = new FileLog({
      ...this.#options,
      root: walDir,
      directory: this.#directory(),
      writer: this.#token,
      presence: this.#presence!,
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
    const onDisk = (error: unknown): void => this.#diskChanged(error);
    if (this.#options.strict) return this.#strict = new DiskLog({ disk, onDisk });
    return new FailoverLog({
      clock: runtime.clock,
      disk,
      memory,
      sender,
      onDisk,
    });
  }

  #makeDropOldest(): SegmentEvictor | null {
    const quota = this.#quota;
    const { runtime, serverUrl, quotaPolicy } = this.#options;
    if (quota === null || quotaPolicy !== "drop-oldest") return null;
    const { walDir } = this.#options;
    const server = serverUrl, token = this.#token;
    return new SegmentEvictor({
      runtime,
      quota,
      log: this.#log,
      sender: this.#sender,
      scanner: new OrphanScanner({
        runtime,
        root: walDir,
        server,
        token,
        includeOwn: this.#sender === null,
      }),
      directory: this.#directory(),
      token,
      onDropped: (records) => this.#droppedOldest(records),
      onTrouble: (error) => this.#trouble("quota", error),
    });
  }

  #droppedOldest(records: number): void {
    this.#drop("quota-oldest", records, "maxDiskBytes is nearly reached");
  }

  #makeDeliveryClient(): DeliveryClient {
    return new DeliveryClient({
      ...this.#options,
      clock: this.#options.runtime.clock,
      digests: this.#digests,
      newId: this.#options.token,
      maxInFlight: MAX_IN_FLIGHT,
      onState: (state, reason) => {
        this.#ledger.serverChanged(state, reason);
        this.#reporter.server(this.#ledger.server);
        this.#created?.serverChanged(state);
        this.#withPresence((presence) => presence.heartbeat());
        this.#giveUpWaits();
      },
      onRetry: (reason) => {
        this.#ledger.requestFailed(reason);
        this.#reporter.report("debug", "retry", reason);
        this.#giveUpWaits();
      },
      onSwitch: (to, reason) =>
        this.#reporter.report("info", "calls-api", `Calls go ${to} now: ${reason}`),
    });
  }

  #makeSender(): CreatedSender {
    const { runtime, wal, walDir, serverUrl, recovers = true } = this.#options;
    const own = this.#directory();
    return createSender({
      ...this.#options,
      deliveryClient: this.#deliveryClient,
      server: serverUrl,
      token: this.#token,
      root: wal ? walDir : null,
      directories: () => recovers ? projectDirectories(runtime, walDir, own) : [own],
      onProgress: (delivered, deadLetters) => this.#progress(delivered, deadLetters),
      onDropped: (records) => this.#droppedOldest(records),
      onComplete: (bytes) => {
        this.#quota?.remove(bytes);
        this.#quota?.recountSoon();
      },
      onTrouble: (what, error) => this.#trouble(what, error),
      onLost: () => this.#segmentLost(),
      onRecovery: (start) => this.#reporter.recovery(start),
      onRecovered: (start) => this.#reporter.recovered(start),
    });
  }

  /** The log first looks what of the segment it has to write again. */
  #segmentLost(): void {
    if (this.#closed) return;
    try {
      this.#log.heartbeat();
    } catch (error) {
      this.#trouble("log", error);
    }
    this.#log.rotate();
  }

  #directory(): string {
    const { walDir, entity, project } = this.#options;
    return projectDirectory(walDir, entity, project);
  }

  #diskChanged(error: unknown): void {
    if (error !== null && this.#sender !== null) this.#forgetOpenCalls();
    this.#ledger.diskChanged(error, error === null ? "" : messageOf(error));
    this.#withPresence((presence) => presence.heartbeat());
    if (error !== null) this.#ledger.failed(messageOf(error));
    this.#reporter.disk(error === null ? null : messageOf(error));
  }

  /** Ends that are delivered from memory are in no file. */
  #forgetOpenCalls(): void {
    try {
      this.#disk?.forgetOpenCalls();
    } catch (error) {
      this.#trouble("open calls", error);
    }
  }

  #progress(delivered: number, deadLetters: readonly DeadLetter[]): void {
    // A memory log has no dead letters: such records count as dropped.
    this.#ledger.settled(delivered, this.#options.wal ? deadLetters : []);
    for (const { reason, status } of deadLetters) {
      const why = status === undefined ? reason : `${reason}, HTTP ${status}`;
      this.#ledger.failed(why);
      this.#reporter.deadLetter(why);
    }
    this.#sender?.changed();
  }

  /** Nobody waits for a server that is known not to take requests. */
  #giveUpWaits(): void {
    const { state, since } = this.#ledger.server;
    const downMs = this.#options.runtime.clock.now() - since;
    if (state === "blocked" || (state === "down" && downMs >= HOPE_MS)) {
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
    const end = await sender.wait(timeoutMs, undefined, "held");
    if (end !== "done") this.#deliveryClient.interrupt();
  }

  /** Records of later exit listeners are appended to a file of their own. */
  #closeNow(): void {
    this.#log.close();
    this.#sender?.abandon();
    const leaves = this.#sender ? !this.#sender.isEmpty : this.#log.written.records > 0;
    this.#endPresence(leaves || this.#hasOpenCalls);
  }

  #scheduleHeartbeat(): void {
    this.#heartbeat = this.#options.runtime.clock.after(HEARTBEAT_MS, () => {
      this.#forecast?.look();
      this.#heartbeats();
      if (this.#quota && this.#quota.used > this.#quota.maxBytes / 2) this.#quota.recountSoon();
      this.#tellEarly();
      this.#reporter.remind(this.#ledger.server);
      this.#scheduleHeartbeat();
    });
  }

  /** The presence comes first: the log then looks whether it was presumed dead before that. */
  #heartbeats(): void {
    const { recovery } = this.#created ?? {};
    const all = [
      () => this.#presence?.heartbeat(),
      () => this.#log.heartbeat(),
      () => recovery?.heartbeat(),
    ];
    for (const heartbeat of all) {
      try {
        heartbeat();
      } catch (error) {
        this.#trouble("heartbeat", error);
      }
    }
  }

  #report(): SenderReport {
    const { delivered, deadLettered, lastDelivery, lastError, server } = this.#ledger;
    const { serverUrl } = this.#options;
    return {
      server: serverUrl,
      ...server,
      nextAttempt: this.#nextAttempt(),
      delivered,
      deadLettered,
      lastDelivery,
      lastError,
    };
  }

  #logReport(): LogReport {
    const { entity, project, quotaPolicy: policy } = this.#options;
    const { appended, dropped, diskError } = this.#ledger;
    const quota = {
      usedBytes: this.#quota?.used ?? 0,
      maxBytes: this.#quota?.maxBytes ?? 0,
      policy,
      fullAt: this.#forecast?.fullAt ?? null,
    };
    return {
      entity,
      project,
      kind: this.#log.kind,
      diskError,
      appended,
      memory: this.#inMemory(),
      dropped: Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0)),
      quota,
    };
  }

  /** Records that only the memory of this process holds. */
  #inMemory(): { readonly records: number; readonly bytes: number } {
    return this.#memory?.pending ?? { records: 0, bytes: 0 };
  }

  async #pendingPlaces(): Promise<PendingPlaces> {
    const all = await this.#sender?.pendingOwn() ?? this.#log.written;
    const { records: memory } = this.#inMemory();
    return { disk: Math.max(0, all.records - memory), memory };
  }

  /** Whether the next process that recovers has calls of this one to close. */
  get #hasOpenCalls(): boolean {
    return this.#disk?.hasOpenCalls ?? false;
  }

  /** When the next attempt is due, epoch ms; `null` while the server is up. */
  #nextAttempt(): number | null {
    const ms = this.#deliveryClient.breaker.msToNextAttempt;
    return ms === null ? null : this.#options.runtime.clock.now() + ms;
  }

  /** Losses stay visible: the recovery of another process removes the file after a day. */
  #endPresence(leaves: boolean): void {
    const { records } = this.#inMemory();
    const isLost = records > 0 || Object.values(this.#ledger.dropped).some((count) => count > 0);
    this.#reporter.end(this.#options.wal ? records : 0);
    this.#withPresence((presence) => presence.end(leaves || isLost));
  }

  #withPresence(work: (presence: Presence) => void): void {
    try {
      if (this.#presence) work(this.#presence);
    } catch (error) {
      this.#trouble("presence", error);
    }
  }

  async #result(
    reason: FlushResult["reason"],
    scope: "held" | "all",
  ): Promise<FlushResult> {
    const { records, bytes, isEstimate } = await this.#pending(scope);
    const { delivered, deadLettered } = this.#ledger;
    return {
      done: reason === undefined,
      pendingBytes: bytes,
      pendingRecords: records,
      ...(isEstimate ? { pendingEstimated: true } : {}),
      delivered,
      deadLettered,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  async #pending(scope: "held" | "all"): Promise<Waiting> {
    if (this.#sender === null) return { ...this.#log.written, isEstimate: false };
    for (let tries = 1;; tries++) {
      const before = this.#ledger.movements;
      const waiting = await this.#sender.pending(scope);
      // What moved while it was counted would be counted on both sides, or on none.
      if (before === this.#ledger.movements || tries === MAX_COUNTS) return waiting;
    }
  }

  #drop(cause: DropCause, records: number, why: string): void {
    this.#ledger.drop(cause, records);
    this.#reporter.dropped(cause, records, why);
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
    // Errors that follow from a known disk failure are not reported again.
    const isNews = !this.#options.wal || this.#log.kind !== "memory";
    this.#reporter.logError(what, messageOf(error), isNews);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
