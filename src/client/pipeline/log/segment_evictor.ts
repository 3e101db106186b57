/**
 * The quota policy `drop-oldest`: drops the oldest closed segments before the quota is reached.
 *
 * @module
 */

import { join } from "@std/path";
import type { Sender } from "../../../delivery/sender.ts";
import { Slices, visitInSlices } from "../../../runtime/event_loop.ts";
import type { FileSystem } from "../../../runtime/file_system.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import { RECOUNT_MS } from "../../../wal/quota/disk_quota.ts";
import type { RequestLog } from "../../../wal/log/record_log.ts";
import { OpenCallsKeepers } from "../../../wal/open_calls/open_calls_keeper.ts";
import { isKept, type ListedSegment } from "../../../wal/orphans/directory_listing.ts";
import type { Lease, LeaseState } from "../../../wal/leases/lease.ts";
import { OrphanScanner } from "../../../wal/orphans/orphan_scanner.ts";
import { HEARTBEAT_MS } from "../../../wal/processes/failure_detector.ts";
import { liveness } from "../../../wal/processes/process_identity.ts";
import { acquireLease, releaseLease } from "../../../wal/leases/recovery_leases.ts";
import { countRecords } from "../../../wal/segment/count_records.ts";
import { FileSegment } from "../../../wal/segment/file_segment.ts";
import type { PipelineMonitor } from "../status/pipeline_monitor.ts";
import type { ProjectDisk } from "./project_disk.ts";
import { OPEN_SUFFIX, recoveryLease, segmentPaths } from "../../../wal/segment/segment_name.ts";

/** Fractions of the disk quota at which dropping starts and stops. */
const DROP_ABOVE = 0.9, DROP_BELOW = 0.8;

/** Options for {@linkcode SegmentEvictor}. */
export interface SegmentEvictorOptions {
  readonly runtime: Runtime;
  readonly disk: ProjectDisk;
  /** Rotated if only its current segment could be dropped. */
  readonly log: Pick<RequestLog, "rotate">;
  /**
   * Has the segments that may be dropped; if this process does not send, they are found in
   * the project's directory.
   */
  readonly sender: Sender | null;
  /** Root directory of all logs. */
  readonly root: string;
  /** Base URL of the server. */
  readonly server: string;
  readonly monitor: PipelineMonitor;
}

/** Keeps a project's directory below its quota by dropping the oldest records. */
export class SegmentEvictor {
  readonly #options: SegmentEvictorOptions;
  readonly #scanner: OrphanScanner;
  #running: Promise<void> | null = null;
  #rotatedAt = -Infinity;
  #closed = false;

  /** Does nothing until `makeRoom` is called. */
  constructor(options: SegmentEvictorOptions) {
    this.#options = options;
    const { sender, disk: { token } } = options;
    this.#scanner = new OrphanScanner({ ...options, token, includeOwn: sender === null });
  }

  /** Starts dropping if little space is left. Fast, since it is called at every append. */
  makeRoom(): void {
    const { disk: { quota }, monitor } = this.#options;
    if (quota.used < quota.maxBytes * DROP_ABOVE) return;
    this.#running ??= this.#evict().catch((error) => monitor.failed("quota", error)).finally(() => {
      this.#running = null;
    });
  }

  /** Closes the evictor; resolves when dropping has stopped. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  get #isFull(): boolean {
    const { used, maxBytes } = this.#options.disk.quota;
    return used > maxBytes * DROP_BELOW;
  }

  async #evict(): Promise<void> {
    const { disk: { quota }, runtime: { clock }, log } = this.#options;
    await quota.recount();
    while (!this.#closed && this.#isFull) {
      // The oldest segments are orphaned ones that no process drains because the server is down.
      if (await this.#evictOldest() || await this.#dropDrained()) {
        await quota.recount();
        continue;
      }
      // Other processes' segments will be delivered; a new segment for every record would not help.
      if (clock.monotonic() - this.#rotatedAt < RECOUNT_MS) return;
      this.#rotatedAt = clock.monotonic();
      log.rotate();
    }
  }

  /**
   * Drops the oldest final segments that this process may drop, as many as necessary; returns
   * whether there was one. The files are listed twice, however many segments are dropped.
   */
  async #evictOldest(): Promise<boolean> {
    const { disk: { directory, token }, runtime } = this.#options;
    const { final } = await this.#scanner.scan(directory, false);
    const prefixes = new Set<string>();
    await visitInSlices(final, (segment) => void prefixes.add(leaseOf(segment)), runtime.clock);
    const refused = new Set<string>();
    for (const prefix of prefixes) {
      const lease = acquireLease(runtime, prefix, token, (state) => this.#isExpired(state));
      if (lease === null) {
        refused.add(prefix);
        continue;
      }
      try {
        const { final: now } = await this.#scanner.scan(directory, true);
        if (await this.#dropWhileFull(now, lease, prefix, refused)) return true;
      } finally {
        releaseLease(runtime.files, lease);
      }
    }
    return false;
  }

  /**
   * Drops segments of `lease`, until one of another lease is the oldest, or so much time has passed
   * that the heartbeat of this lease would be due. Returns whether there was one.
   *
   * @param refused Leases that others hold: their segments stay.
   */
  async #dropWhileFull(
    segments: readonly ListedSegment[],
    lease: Lease,
    prefix: string,
    refused: ReadonlySet<string>,
  ): Promise<boolean> {
    const { disk: { quota, directory }, runtime } = this.#options;
    const { files, clock } = runtime;
    const openCalls = new OpenCallsKeepers(runtime, directory);
    const until = clock.monotonic() + HEARTBEAT_MS;
    const slices = new Slices(clock);
    let found = false;
    for (const segment of segments) {
      if (slices.isOver) await slices.next();
      const own = leaseOf(segment);
      if (refused.has(own) || (!found && own !== prefix)) continue;
      found = true;
      if (own !== prefix || this.#closed || !this.#isFull || clock.monotonic() >= until) break;
      const bytes = sizeOf(files, segment);
      await this.#drop(segment, lease, openCalls);
      quota.remove(bytes);
    }
    return found;
  }

  /**
   * Drops the oldest segments that the sender of this process drains, as many as necessary; returns
   * whether there was one. What the quota does not know to be removed must be counted first.
   */
  async #dropDrained(): Promise<boolean> {
    const { sender, disk: { quota }, runtime: { clock } } = this.#options;
    const slices = new Slices(clock);
    for (let dropped = false;; dropped = true) {
      const { used } = quota;
      if (this.#closed || !this.#isFull || !(await sender?.dropOldest())) return dropped;
      if (quota.used >= used) return true;
      await slices.next(); // The sender begins to drain the next segment.
    }
  }

  async #drop(
    { directory, stem, writer, suffixes }: ListedSegment,
    lease: Lease,
    openCalls: OpenCallsKeepers,
  ): Promise<void> {
    const { runtime, monitor } = this.#options;
    const segment = new FileSegment({
      runtime,
      directory,
      stem,
      paths: segmentPaths(directory, stem),
      guard: lease,
      live: false,
      isSealed: () => true,
      openCalls: () => suffixes.has(OPEN_SUFFIX) ? openCalls.of(writer) : null,
    });
    try {
      const { checkpoint, settledLines: { ranges } } = segment;
      const { records } = await countRecords(segment, checkpoint, segment.end(), ranges);
      await segment.beforeComplete();
      segment.complete();
      monitor.droppedOldest(records);
    } catch (error) {
      segment.release();
      throw error;
    }
  }

  /** Returns whether the lease's holder is known to be dead. */
  #isExpired({ holder }: LeaseState): boolean {
    return holder !== null && liveness(holder, this.#options.runtime.process) === "dead";
  }
}

/** Returns the bytes of all files of a segment. */
function sizeOf(files: FileSystem, { directory, stem, suffixes }: ListedSegment): number {
  let bytes = 0;
  for (const suffix of suffixes) {
    if (!isKept(suffix)) bytes += files.stat(join(directory, stem + suffix))?.size ?? 0;
  }
  return bytes;
}

function leaseOf({ directory, writer }: ListedSegment): string {
  return recoveryLease(directory, writer);
}
