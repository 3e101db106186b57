/**
 * Predicts when a project's directory reaches its quota, from its recent growth.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { DiskQuota } from "./disk_quota.ts";

/** Length in ms of the period over which the rate is measured. */
const WINDOW_MS = 300_000;
/** Minimum ms over which a rate is computed. */
const MIN_MS = 10_000;
/** Ms between two samples. */
const EVERY_MS = 5_000;

/** Predicts when a directory reaches its quota. */
export class QuotaForecast {
  readonly #clock: Clock;
  readonly #quota: Pick<DiskQuota, "used" | "maxBytes">;
  #samples: { readonly at: number; readonly used: number }[] = [];

  /** Creates a forecast without samples. */
  constructor(clock: Clock, quota: Pick<DiskQuota, "used" | "maxBytes">) {
    this.#clock = clock;
    this.#quota = quota;
  }

  /** Samples the current usage. Call it regularly. */
  look(): void {
    const at = this.#clock.monotonic();
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < EVERY_MS) return;
    this.#samples.push({ at, used: this.#quota.used });
    // Keep one sample that is at least as old as the period.
    while (this.#samples.length > 2 && at - this.#samples[1].at >= WINDOW_MS) this.#samples.shift();
  }

  /**
   * Time at which the quota is exhausted at the current rate, epoch ms; `null` if usage does not
   * grow.
   */
  get fullAt(): number | null {
    const { used, maxBytes } = this.#quota;
    if (used >= maxBytes) return this.#clock.now();
    const first = this.#samples[0];
    const ms = first === undefined ? 0 : this.#clock.monotonic() - first.at;
    if (ms < MIN_MS || used <= first.used) return null;
    return this.#clock.now() + (maxBytes - used) * ms / (used - first.used);
  }
}
