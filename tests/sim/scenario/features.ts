/**
 * The features and settings of a run.
 *
 * @module
 */

import { Random } from "./random.ts";
import type { ForeignStep, Setup } from "./scenario.ts";

/** Features of a run. */
export interface Features {
  readonly several: boolean;
  readonly hosts: boolean;
  readonly servers: boolean;
  readonly foreign: boolean;
  readonly memory: boolean;
  readonly writeOnly: boolean;
  readonly kills: boolean;
  readonly crashes: boolean;
  readonly disk: boolean;
  readonly short: boolean;
  readonly stops: boolean;
  readonly jumps: boolean;
  readonly faults: boolean;
  readonly modes: boolean;
  readonly corrupt: boolean;
  readonly quota: boolean;
  readonly retries: boolean;
}

/** Chooses the features of a run. */
export function chooseFeatures(random: Random): Features {
  const calm = random.chance(0.15);
  const chance = (probability: number) => random.chance(calm ? 0 : probability);
  const stops = chance(0.25);
  const hosts = random.chance(stops ? 0.4 : 0.2);
  return {
    hosts,
    several: random.chance(0.7),
    servers: random.chance(0.1),
    foreign: !hosts && random.chance(0.15),
    memory: random.chance(0.1),
    writeOnly: random.chance(0.3),
    kills: chance(0.6),
    crashes: chance(0.4),
    disk: chance(0.25),
    short: chance(0.3),
    stops,
    jumps: chance(0.15),
    faults: random.chance(calm ? 0.3 : 0.6),
    modes: chance(0.1),
    corrupt: chance(0.1),
    quota: random.chance(0.1),
    retries: random.chance(0.2),
  };
}

/** Chooses the settings of a run. */
export function chooseSetup(random: Random, features: Features): Omit<Setup, "closeInterrupted"> {
  return {
    hosts: features.hosts ? 2 : 1,
    facts: random.chance(0.8),
    segmentBytes: random.pick([300, 600, 1_200, 2_048, 2_048, 8_192]),
    batchRecords: random.pick([1, 2, 5, 5, 20]),
    batchBytes: random.pick([500, 1_500, 4_000]),
    lingerMs: random.pick([0, 10, 100]),
    timeoutMs: random.pick([500, 2_000]),
    retryMaxMs: random.pick([100, 1_000, 4_000]),
    fsyncRecords: random.pick([2, 5, 64]),
    fsyncIntervalMs: random.pick([21, 103, 509]),
    maxMemoryRecords: random.pick([3, 1_000, 1_000]),
    maxMemoryBytes: random.pick([2_000, 1_000_000, 1_000_000]),
    exitDrainMs: random.pick([0, 200, 1_000]),
    maxDiskBytes: features.quota ? random.pick([3_000, 10_000]) : 1e9,
    quotaPolicy: random.pick(["drop-new", "drop-oldest"]),
    serverBytes: random.pick([1_000, 6_000, 1_000_000]),
    mode: random.pick(["both", "both", "old", "complete"]),
    feedbackBatch: random.chance(0.7),
    newFiles: random.chance(0.7),
    latencyMs: random.pick([0, 5, 50, 300]),
    diskMs: random.pick([0, 0, 3, 40]),
    poison: random.pick(features.retries ? [0.05, 0.3] : [0, 0, 0.05, 0.3]),
  };
}

/** Chooses the habits of a foreign writer from a seed of its own: the other steps stay the same. */
export function foreignHabits(
  seed: number,
): Pick<ForeignStep, "rotateBytes" | "writesOnly" | "hasThreads"> {
  const random = new Random(seed);
  return {
    rotateBytes: random.pick([0, 1, 400, 2_000]),
    writesOnly: random.chance(0.6),
    hasThreads: random.chance(0.5),
  };
}
