/**
 * The heartbeats of a pipeline.
 *
 * @module
 */

import type { Clock, Timer } from "../../../runtime/runtime.ts";
import type { RequestLog } from "../../../wal/log/record_log.ts";
import { HEARTBEAT_MS } from "../../../wal/processes/failure_detector.ts";
import type { PipelineMonitor } from "../status/pipeline_monitor.ts";
import type { ProjectDisk } from "./project_disk.ts";

/** Options for {@linkcode Heartbeats}. */
export interface HeartbeatsOptions {
  readonly clock: Clock;
  readonly disk: ProjectDisk | null;
  readonly log: RequestLog;
  /** Sends heartbeats for the leases that this process holds. */
  readonly recovery: () => void;
  readonly monitor: PipelineMonitor;
}

/** Sends heartbeats at intervals. An error of one does not prevent the others. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  #timer: Timer;

  /**
   * Writes the presence file, so that the first append need not, and sends the other heartbeats after
   * one interval. The first append reports an error of the presence file.
   */
  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    options.disk?.presence.tryHeartbeat();
    this.#timer = this.#schedule();
  }

  /** Stops. */
  stop(): void {
    this.#timer.cancel();
  }

  #schedule(): Timer {
    return this.#options.clock.after(HEARTBEAT_MS, () => {
      const { disk, log, recovery, monitor } = this.#options;
      disk?.sample();
      // The presence file comes first: the log then checks whether this process was presumed dead
      // before.
      monitor.guard("heartbeat", () => disk?.presence.heartbeat());
      monitor.guard("heartbeat", () => log.heartbeat());
      monitor.guard("heartbeat", recovery);
      monitor.remind();
      this.#timer = this.#schedule();
    });
  }
}
