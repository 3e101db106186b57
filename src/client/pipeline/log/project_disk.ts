/**
 * A pipeline's disk state besides its records: the presence file of the process and the project's
 * quota.
 *
 * @module
 */

import { DiskQuota } from "../../../wal/quota/disk_quota.ts";
import { QuotaForecast } from "../../../wal/quota/quota_forecast.ts";
import { Presence, type PresenceOptions } from "../../../wal/processes/presence.ts";
import type { PipelineOptions, WalStats } from "../pipeline.ts";

/** Options for {@linkcode ProjectDisk}. */
export interface ProjectDiskOptions
  extends Pick<PresenceOptions, "token" | "report" | "log" | "onWake"> {
  readonly pipeline: PipelineOptions;
  /** Directory of the project's log. */
  readonly directory: string;
}

/** The disk of a pipeline. */
export class ProjectDisk {
  readonly directory: string;
  /** Token of this process. */
  readonly token: string;
  readonly presence: Presence;
  readonly quota: DiskQuota;
  readonly #forecast: QuotaForecast;

  /** Starts counting existing files; writes nothing. */
  constructor({ pipeline, directory, token, ...presence }: ProjectDiskOptions) {
    const { runtime, walDir: root, serverUrl: server, sender, sharesCalls, maxDiskBytes } =
      pipeline;
    const { files, clock } = runtime;
    this.directory = directory;
    this.token = token;
    this.presence = new Presence({
      ...presence,
      runtime,
      root,
      token,
      server,
      sender,
      sharesCalls,
    });
    this.quota = new DiskQuota({ files, clock, directory, maxBytes: maxDiskBytes });
    this.#forecast = new QuotaForecast(clock, this.quota);
    void this.quota.recount();
  }

  /** Bytes in use by the project, their limit, and when the limit is reached. */
  get usage(): NonNullable<WalStats["disk"]> {
    const { quota: { used: usedBytes, maxBytes } } = this;
    return { usedBytes, maxBytes, fullAt: this.#forecast.fullAt };
  }

  /** Subtracts the bytes of a removed file. */
  removed(bytes: number): void {
    this.quota.remove(bytes);
    this.quota.recountSoon();
  }

  /** Updates the growth rate of the project. Call it at intervals. */
  sample(): void {
    this.#forecast.look();
    this.quota.recountSoon();
  }
}
