/**
 * Runs jobs so that no core is idle: a test that waits for a timer or a server needs no core.
 *
 * @module
 */

import { availableParallelism, cpus } from "node:os";

/** Number of jobs that run at once. */
export interface Width {
  /** Jobs that run at any time. */
  readonly least: number;
  /** Maximum number of jobs, if cores are idle. */
  readonly most: number;
}

/** Ms between two looks at the cores. */
const TICK_MS = 500;
/** Number of cores that were idle since the last look, from which one job more may run. */
const IDLE_CORES = 0.5;
/** Number of idle cores below which one job less may run. */
const BUSY_CORES = 0.1;

/** Runs all jobs, started in order; rejects if one does. */
export function runQueue(
  jobs: readonly (() => Promise<void>)[],
  { least, most }: Width,
  cores: Pick<Cores, "idle"> = new Cores(),
): Promise<void> {
  return new Promise((resolve, reject) => {
    let wanted = least;
    let next = 0;
    let running = 0;
    const end = (): void => {
      running--;
      fill();
    };
    const fail = (error: unknown): void => {
      clearInterval(ticks);
      reject(error);
    };
    const start = (): void => {
      running++;
      jobs[next++]().then(end, fail);
    };
    const fill = (): void => {
      while (running < wanted && next < jobs.length) start();
      if (running > 0) return;
      clearInterval(ticks);
      resolve();
    };
    const ticks = setInterval(() => {
      const idle = cores.idle();
      if (idle >= IDLE_CORES) wanted = Math.min(most, wanted + 1);
      else if (idle < BUSY_CORES) wanted = Math.max(least, wanted - 1);
      fill();
    }, TICK_MS);
    fill();
  });
}

/** The cores of this machine. */
export class Cores {
  readonly #count = availableParallelism();
  readonly #first = times();
  #last = this.#first;

  /** Returns the number of cores that were idle, on average, since the last call. */
  idle(): number {
    const now = times();
    const share = idleShare(this.#last, now);
    this.#last = now;
    return this.#count * share;
  }

  /** Returns the share of their time that the cores were busy, 0 to 1. */
  busyShare(): number {
    return 1 - idleShare(this.#first, times());
  }
}

/** Clock ticks of all cores since the machine started. */
interface Ticks {
  readonly idle: number;
  readonly total: number;
}

function idleShare(from: Ticks, to: Ticks): number {
  return to.total > from.total ? (to.idle - from.idle) / (to.total - from.total) : 0;
}

function times(): Ticks {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}
