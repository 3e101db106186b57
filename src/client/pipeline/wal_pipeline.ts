/**
 * A log and its sender, as one pipeline.
 *
 * @module
 */

import type { WaitLimits } from "../../delivery/delivery_wait.ts";
import type { RetryResult } from "../../delivery/dead_letters/resend_dead_letters.ts";
import { retryDeadLetters } from "../../delivery/dead_letters/retry_dead_letters.ts";
import { isProvisional } from "../../protocol/digest/provisional.ts";
import type { OtelRecordType } from "../../protocol/otlp/otel_request.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import { DigestMap } from "../../wal/digest_map.ts";
import type { WriteRecord } from "../../wal/log/record_log.ts";
import { projectName } from "../../wal/segment/long_names.ts";
import { writerToken } from "../../wal/segment/segment_name.ts";
import { projectDirectory } from "../../wal/segment/project_directory.ts";
import { type CreatedLog, createLog } from "./log/create_log.ts";
import { Heartbeats } from "./log/heartbeats.ts";
import { LogWriter } from "./log/log_writer.ts";
import { ProjectDisk } from "./log/project_disk.ts";
import { SegmentEvictor } from "./log/segment_evictor.ts";
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
import { ExitDrain } from "./sending/exit_drain.ts";
import { PipelineSender } from "./sending/pipeline_sender.ts";
import { PipelineMonitor } from "./status/pipeline_monitor.ts";
import { PipelineStatus } from "./status/pipeline_status.ts";

/** A pipeline with a file log or a memory log. */
export class WalPipeline implements Pipeline, StrictPipeline {
  readonly resolvesDigests = true;
  readonly #options: PipelineOptions;
  readonly #directory: string;
  readonly #token: string;
  readonly #monitor: PipelineMonitor;
  /** `null` if records are only kept in memory. */
  readonly #disk: ProjectDisk | null;
  readonly #digests: DigestMap;
  readonly #sending: PipelineSender;
  readonly #logs: CreatedLog;
  readonly #writer: LogWriter;
  readonly #evictor: SegmentEvictor | null;
  readonly #status: PipelineStatus;
  /** Stop events and timers at `finish()`. */
  readonly #disposers: (() => void)[] = [];

  /** Opens the log and starts sending, unless another process does. */
  constructor(options: PipelineOptions) {
    this.#options = options;
    const { runtime, onEvent, wal, walDir, serverUrl, entity, project } = options;
    this.#monitor = new PipelineMonitor({
      clock: runtime.clock,
      onEvent,
      project: `${entity}/${project}`,
      server: serverUrl,
      pending: () => this.#status.pendingPlaces(),
      projectAt: (directory) => projectName(runtime.files, directory),
      wal,
      isInMemory: () => this.#logs.log.kind === "memory",
    });
    this.#token = writerToken(options.token(), serverUrl);
    this.#directory = projectDirectory(walDir, entity, project);
    this.#disk = wal ? this.#openDisk() : null;
    this.#digests = new DigestMap(wal ? runtime.files : null, walDir);
    this.#sending = this.#createSending();
    this.#logs = this.#createLog();
    this.#evictor = this.#createEvictor();
    this.#writer = new LogWriter({
      logs: this.#logs,
      monitor: this.#monitor,
      onAppended: () => this.#evictor?.makeRoom(),
    });
    this.#status = new PipelineStatus({
      pipeline: options,
      counters: this.#monitor.counters,
      logs: this.#logs,
      sender: this.#sending.sender,
      breaker: this.#sending.deliveryClient.breaker,
      disk: this.#disk,
    });
    this.#start();
  }

  append(type: RecordType, request: string): void {
    this.#writer.append(type, request);
  }

  appendAll(records: readonly WriteRecord[]): void {
    this.#writer.appendAll(records);
  }

  noteSpanStart(type: OtelRecordType, request: string): void {
    this.#writer.noteSpanStart(type, request);
  }

  sync(): Promise<void> {
    return this.#logs.log.sync();
  }

  async flush(options: WaitLimits = {}): Promise<FlushResult> {
    return await this.#flush(options, "all");
  }

  async delivered(timeout: number): Promise<DeliveryWait> {
    return await this.#sending.delivered(timeout);
  }

  async stats(): Promise<WalStats> {
    return await this.#status.stats();
  }

  reports(): PipelineReports {
    return this.#status.reports();
  }

  finalDigest(digest: string): string {
    return isProvisional(digest) ? this.#digests.final(digest) ?? digest : digest;
  }

  async retryDeadLetters(options: { signal?: AbortSignal } = {}): Promise<RetryResult> {
    const { runtime, serverUrl, wal } = this.#options;
    return await retryDeadLetters({
      runtime,
      deliveryClient: this.#sending.deliveryClient,
      server: serverUrl,
      token: this.#token,
      directories: wal ? [this.#directory] : [],
      ...(options.signal ? { stop: options.signal } : {}),
    });
  }

  async finish(options: FlushOptions = {}): Promise<FlushResult> {
    // Do not wait for records that another process is sending.
    if (this.#writer.closed) return await this.#flush(options, "held");
    this.#writer.close();
    this.#monitor.close();
    if (this.#options.fsync !== "never") await this.#trySync();
    await this.#evictor?.close();
    this.#logs.log.close();
    const result = await this.#flush(options, "held");
    await this.#sending.stop();
    await this.#logs.log.settled();
    this.#endPresence(result.pendingBytes > 0);
    for (const dispose of this.#disposers) dispose();
    return result;
  }

  async #flush(options: WaitLimits, scope: "held" | "all"): Promise<FlushResult> {
    if (this.#sending.sender === null) await this.#trySync();
    return await this.#status.flushResult(await this.#sending.wait(options, scope), scope);
  }

  async #trySync(): Promise<void> {
    await this.#logs.log.sync().catch((error) => this.#monitor.syncFailed(error));
  }

  #openDisk(): ProjectDisk {
    return new ProjectDisk({
      pipeline: this.#options,
      directory: this.#directory,
      token: this.#token,
      report: () => this.#status.senderReport(),
      log: () => this.#status.logReport(),
      onWake: () => this.#sending.sender?.sendNow(),
    });
  }

  #createSending(): PipelineSender {
    return new PipelineSender({
      pipeline: this.#options,
      token: this.#token,
      directory: this.#directory,
      digests: this.#digests,
      monitor: this.#monitor,
      onServerChanged: () => this.#showState(),
      onRemoved: (bytes) => this.#disk?.removed(bytes),
      onLost: () => this.#segmentLost(),
    });
  }

  #createLog(): CreatedLog {
    return createLog({
      pipeline: this.#options,
      disk: this.#disk,
      monitor: this.#monitor,
      onSegment: (segment) => {
        this.#sending.sender?.add(segment);
        this.#monitor.reportDeferred();
      },
      onAppend: () => this.#sending.sender?.notify(),
      onDiskChanged: (error) => this.#diskChanged(error),
    });
  }

  #createEvictor(): SegmentEvictor | null {
    const { runtime, walDir, serverUrl, quotaPolicy } = this.#options;
    if (this.#disk === null || quotaPolicy !== "drop-oldest") return null;
    return new SegmentEvictor({
      runtime,
      disk: this.#disk,
      log: this.#logs.log,
      sender: this.#sending.sender,
      root: walDir,
      server: serverUrl,
      monitor: this.#monitor,
    });
  }

  #start(): void {
    const { runtime: { clock, process }, drainOnSignal = false } = this.#options;
    const { sender } = this.#sending;
    if (sender !== null) {
      sender.start();
      const exit = new ExitDrain({
        ...this.#options,
        clock,
        process,
        drainOnSignal,
        drain: (timeoutMs) => this.#lastDrain(timeoutMs),
        appended: () => this.#monitor.counters.appended,
      });
      this.#disposers.push(() => exit.close());
    }
    this.#disposers.push(process.onExit(() => this.#closeNow()));
    const heartbeats = new Heartbeats({
      clock,
      disk: this.#disk,
      log: this.#logs.log,
      recovery: () => this.#sending.heartbeat(),
      monitor: this.#monitor,
    });
    this.#disposers.push(() => heartbeats.stop());
  }

  /** Delivers pending records at the end of the program. */
  async #lastDrain(timeoutMs: number): Promise<void> {
    if (this.#writer.closed) return;
    this.#monitor.reportDeferred();
    this.#logs.log.rotate();
    // Not `flush`, because counting the remaining records would take too long.
    await this.#sending.drainBeforeExit(timeoutMs);
  }

  /** Closes the log; records of later exit listeners go to a new file. */
  #closeNow(): void {
    this.#logs.log.close();
    const { sender } = this.#sending;
    sender?.abandon();
    this.#endPresence(sender ? !sender.isEmpty : this.#logs.log.written.records > 0);
  }

  /**
   * Keeps the presence file if records were lost. Recovery by another process removes it after a
   * day.
   */
  #endPresence(leavesRecords: boolean): void {
    const { memory, disk } = this.#logs;
    const { records } = memory.pending;
    this.#monitor.end(this.#disk === null ? 0 : records);
    // The next process that recovers closes open calls.
    const leaves = leavesRecords || (disk?.mayHaveOpenCalls ?? false);
    const isLost = records > 0 || this.#monitor.counters.allDropped > 0;
    this.#monitor.guard("presence", () => this.#disk?.presence.end(leaves || isLost));
  }

  /** Writes the state of sender and log to the presence file immediately. */
  #showState(): void {
    this.#monitor.guard("presence", () => this.#disk?.presence.heartbeat());
  }

  /** Lets the log check first which records of the segment it must write again. */
  #segmentLost(): void {
    if (this.#writer.closed) return;
    this.#monitor.guard("log", () => this.#logs.log.heartbeat());
    this.#logs.log.rotate();
  }

  #diskChanged(error: unknown): void {
    if (error !== null && this.#options.sender) {
      // Ends that are delivered from memory are in no file.
      this.#monitor.guard("open calls", () => this.#logs.disk?.forgetOpenCalls());
    }
    this.#monitor.diskChanged(error);
    this.#showState();
  }
}
