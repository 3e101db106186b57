/**
 * The disk of a pipeline beside its records: the presence of the process and the project's quota.
 *
 * @module
 */

import { DiskQuota } from "../../../wal/log/disk_quota.ts";
import { QuotaForecast } from "../../../wal/log/quota_forecast.ts";
import { Presence, type PresenceOptions } from "../../../wal/ownership/presence.ts";
import type { WalStats } from "../pipeline.ts";

/** Options for {@linkcode ProjectDisk}. */
export interface ProjectDiskOptions extends PresenceOptions {
  /** Directory of the project's log. */
  readonly directory: string;
  /** Bytes that the logs of the project may take. */
  readonly maxBytes: number;
}

/** The disk of a pipeline. */
export class ProjectDisk {
  readonly directory: string;
  /** The token of this process. */
  readonly token: string;
  readonly presence: Presence;
  readonly quota: DiskQuota;
  readonly #forecast: QuotaForecast;

  /** Begins to count what is there; writes nothing. */
  constructor(options: ProjectDiskOptions) {
    const { runtime: { files, clock }, directory, token, maxBytes } = options;
    this.directory = directory;
    this.token = token;
    this.presence = new Presence(options);
    this.quota = new DiskQuota({ files, clock, directory, maxBytes });
    this.#forecast = new QuotaForecast(clock, this.quota);
    void this.quota.recount();
  }

  /** Bytes that the project takes, how many it may, and when it has reached them. */
  get usage(): NonNullable<WalStats["disk"]> {
    const { quota: { used: usedBytes, maxBytes } } = this;
    return { usedBytes, maxBytes, fullAt: this.#forecast.fullAt };
  }

  /** A file of so many bytes was removed. */
  removed(bytes: number): void {
    this.quota.remove(bytes);
    this.quota.recountSoon();
  }

  /** To be called at intervals: looks how fast the project grows. */
  sample(): void {
    this.#forecast.look();
    // Other processes write here too: near the limit their bytes matter.
    if (this.quota.used > this.quota.maxBytes / 2) this.quota.recountSoon();
  }
}
