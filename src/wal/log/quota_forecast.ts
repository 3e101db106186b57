/**
 * When a project's directory reaches its quota, at the rate of the last minutes.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { DiskQuota } from "./disk_quota.ts";

/** Ms of the past that the rate is measured over. */
const WINDOW_MS = 300_000;
/** Minimum ms of the past from which a rate is computed. */
const MIN_MS = 10_000;
/** Ms between two samples. */
const EVERY_MS = 5_000;

/** Watches how a directory grows. */
export class QuotaForecast {
  readonly #clock: Clock;
  readonly #quota: Pick<DiskQuota, "used" | "maxBytes">;
  #samples: { readonly at: number; readonly used: number }[] = [];

  /** Makes a forecast that has seen nothing. */
  constructor(clock: Clock, quota: Pick<DiskQuota, "used" | "maxBytes">) {
    this.#clock = clock;
    this.#quota = quota;
  }

  /** Looks at what is used. Called now and then. */
  look(): void {
    const at = this.#clock.monotonic();
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < EVERY_MS) return;
    this.#samples.push({ at, used: this.#quota.used });
    // The oldest sample that stays is at least as old as the window.
    while (this.#samples.length > 2 && at - this.#samples[1].at >= WINDOW_MS) this.#samples.shift();
  }

  /** When the quota is used up at the present rate, epoch ms; `null` while nothing grows. */
  get fullAt(): number | null {
    const { used, maxBytes } = this.#quota;
    if (used >= maxBytes) return this.#clock.now();
    const first = this.#samples[0];
    const ms = first === undefined ? 0 : this.#clock.monotonic() - first.at;
    if (ms < MIN_MS || used <= first.used) return null;
    return this.#clock.now() + (maxBytes - used) * ms / (used - first.used);
  }
}
