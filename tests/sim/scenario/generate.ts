/**
 * Generates a scenario from a seed.
 *
 * Each run uses only some of the features (swarm testing): with all of them no run would
 * make progress, and some bugs show only in the absence of other features.
 *
 * @module
 */

import { chooseFeatures, chooseSetup, type Features, foreignHabits } from "./features.ts";
import { mix, Random } from "./random.ts";
import { RECORD_KINDS, type RecordKind } from "./records.ts";
import type {
  CheckpointCorruption,
  DiskFaultKind,
  DoomStep,
  Scenario,
  ServerFault,
  ServerFaultKind,
  ServerMode,
  Setup,
  StartStep,
  Step,
} from "./scenario.ts";

const SERVER_FAULTS: readonly ServerFaultKind[] = [
  "unreachable",
  "lost",
  "hang",
  "body-hang",
  "truncated",
  "cut-body",
  "garbage",
  "late",
  "redirect",
  400,
  401,
  403,
  404,
  408,
  409,
  413,
  425,
  429,
  500,
  503,
];
const DOOM_OPERATIONS = ["remove", "rename", "replace", "create", "sync", "write"] as const;
const DOOM_FILES = [".checkpoint", ".jsonl", ".deadletter", ".recovery", ".processes"] as const;
const DISK_FAULTS: readonly DiskFaultKind[] = [
  "full",
  "io",
  "sync",
  "sync",
  "sync",
  "read-only",
  "handles",
  "checkpoint",
  "truncate",
];
const CORRUPTIONS: readonly CheckpointCorruption[] = [
  "inside",
  "beyond",
  "negative",
  "empty",
  "garbage",
  "zeros",
];
const MODES: readonly ServerMode[] = ["both", "old", "complete", "neither"];
/** Number of process slots. */
export const SLOTS = 4;

/** Replaced when all steps are known. */
const NO_HABITS = { rotateBytes: 0, writesOnly: false, hasThreads: false };

/** Generates the scenario of a seed. */
export function generate(seed: number): Scenario {
  const random = new Random(seed);
  const features = chooseFeatures(random);
  // Derived only from the seed: scenarios older than this setting stay otherwise the
  // same.
  const closeInterrupted = mix(seed, 3) % 2 === 0;
  const setup = { ...chooseSetup(random, features), closeInterrupted };
  const steps: Step[] = [start(random, features, setup, 0)];
  const length = random.int(10, random.chance(0.3) ? 80 : 45);
  while (steps.length < length) steps.push(...nextSteps(random, features, setup));
  const all = steps.map((step, index) =>
    step.do === "foreign" ? { ...step, ...foreignHabits(mix(seed, 5, index)) } : step
  );
  return { seed, setup, steps: mix(seed, 4) % 5 === 0 ? all.map(withSpan) : all };
}

/** In some runs, most calls are spans with noted starts; the other runs are unaffected. */
function withSpan(step: Step): Step {
  const isCall = step.do === "append" && /^(?:call|start|end)$/.test(step.kind);
  return isCall && mix(step.seed, 2) % 4 !== 0 ? { ...step, kind: "noted-span" } : step;
}

function start(random: Random, features: Features, setup: Setup, slot: number): StartStep {
  const wal = !(features.memory && random.chance(0.4));
  return {
    do: "start",
    slot,
    host: random.int(0, setup.hosts - 1),
    wal,
    sender: !wal || !(features.writeOnly && random.chance(0.5)),
    fsync: random.pick(["interval", "interval", "always", "never"]),
    complete: random.chance(0.7),
    project: random.chance(0.2) ? 1 : 0,
    server: features.servers && random.chance(0.3) ? 1 : 0,
    samePid: random.chance(0.2),
    seed: random.seed(),
  };
}

function nextSteps(random: Random, features: Features, setup: Setup): Step[] {
  const on = (feature: boolean, weight: number) => feature ? weight : 0;
  const slot = features.several ? random.int(0, SLOTS - 1) : 0;
  const name = random.weighted<Step["do"]>({
    append: 10,
    pass: 8,
    start: 3,
    foreign: on(features.foreign, 1.5),
    sync: 1.5,
    flush: 1.5,
    finish: 0.7,
    exit: 0.6,
    retry: on(features.retries, 1.5),
    kill: on(features.kills, 1.2),
    "kill-at": on(features.kills, 1.2),
    crash: on(features.crashes, 0.6),
    "crash-at": on(features.crashes, 0.6),
    disk: on(features.disk, 1.2) + on(features.short, 0.5),
    heal: on(features.disk || features.short, 1.5),
    stop: on(features.stops, 1.2),
    resume: on(features.stops, 1),
    jump: on(features.jumps, 1),
    server: on(features.faults, 1.5),
    mode: on(features.modes, 1),
    corrupt: on(features.corrupt, 0.7),
  });
  switch (name) {
    case "start":
      return [start(random, features, setup, slot)];
    case "foreign":
      return [{ do: "foreign", slot, project: random.int(0, 1), ...NO_HABITS }];
    case "append":
      return appends(random, slot);
    case "sync":
      // The next step then runs while the sync is in progress or right after it.
      return random.chance(0.5)
        ? [{ do: "sync", slot }]
        : [{ do: "sync", slot }, { do: "pass", ms: setup.diskMs * 2 + 1 }];
    case "flush":
      return [{ do: "flush", slot, ...timeLimit(random, 0.6) }];
    case "finish":
      return [{ do: "finish", slot, ...timeLimit(random, 0.5) }];
    case "exit":
      return [{ do: "exit", slot, natural: random.chance(0.5) }];
    case "retry":
      return [
        { do: "retry", slot, fix: random.chance(0.5) },
        ...(features.kills && random.chance(0.2)
          ? [{ do: "pass", ms: random.int(0, 100) } as const, { do: "kill", slot } as const]
          : []),
      ];
    case "kill":
      return [{ do: "kill", slot }];
    case "resume":
      return [{ do: "resume", slot, busy: random.pick([0, 0, 30]) }];
    case "stop":
      return stop(random, features, setup, slot);
    case "kill-at":
    case "crash-at":
      return doomed(random, features, setup, doom(random, name, slot));
    case "crash":
      return [{ do: "crash", seed: random.seed() }];
    case "disk":
      if (features.disk && features.crashes && random.chance(0.3)) return syncLoss(random, slot);
      return [{
        do: "disk",
        slot: random.chance(0.3) ? -1 : slot,
        fault: features.short && (!features.disk || random.chance(0.4))
          ? "short"
          : random.pick(DISK_FAULTS),
        probability: random.pick([1, 0.5, 0.1]),
        seed: random.seed(),
      }];
    case "heal":
      return [{ do: "heal" }];
    case "pass":
      return [{ do: "pass", ms: duration(random) }];
    case "jump":
      return [{ do: "jump", ms: random.pick([-3_600_000, -5_000, 5_000, 3_600_000]) }];
    case "server":
      return [{
        do: "server",
        server: features.servers ? random.int(0, 1) : 0,
        faults: serverFaults(random),
        seed: random.seed(),
      }];
    case "mode":
      return [{ do: "mode", server: 0, mode: random.pick(MODES) }];
    case "corrupt":
      return [{ do: "corrupt", how: random.pick(CORRUPTIONS), seed: random.seed() }];
  }
}

function doom(random: Random, name: DoomStep["do"], slot: number): DoomStep {
  const on = random.chance(0.5) ? { on: random.pick(DOOM_OPERATIONS) } : {};
  const near = random.chance(0.5) ? { near: random.pick(DOOM_FILES) } : {};
  const after = random.int(0, random.pick(on.on || near.near ? [0, 3, 10] : [3, 15, 80]));
  return { do: name, slot, after, ...on, ...near, seed: random.seed() };
}

/** A process that dies while it works, and another that takes over its slot. */
function doomed(random: Random, features: Features, setup: Setup, step: DoomStep): Step[] {
  if (random.chance(0.5)) return [step];
  return [
    ...appends(random, step.slot),
    step,
    { do: "pass", ms: random.int(0, 3_000) },
    start(random, features, setup, step.slot),
    { do: "pass", ms: random.int(0, 300) },
  ];
}

/** The disk reports a failed sync; records reported as synced afterwards must be durable. */
function syncLoss(random: Random, slot: number): Step[] {
  const probability = random.pick([1, 0.5]);
  return [
    { do: "disk", slot, fault: "sync", probability, seed: random.seed() },
    ...appends(random, slot),
    { do: "sync", slot },
    { do: "pass", ms: random.int(0, 100) },
    ...(random.chance(0.5) ? [{ do: "heal" } as const] : []),
    ...(random.chance(0.5) ? [{ do: "sync", slot } as const] : []),
    { do: "pass", ms: random.int(0, 100) },
    ...(random.chance(0.5) ? [{ do: "crash", seed: random.seed() } as const] : []),
  ];
}

/**
 * Suspends a process, briefly or long enough for others to claim its segments. After it
 * resumes, it may continue its program before it checks anything, and may die before it
 * does.
 */
function stop(random: Random, features: Features, setup: Setup, slot: number): Step[] {
  if (random.chance(0.3)) return [{ do: "stop", slot }];
  const other = (slot + random.int(1, SLOTS - 1)) % SLOTS;
  return [
    ...appends(random, slot),
    { do: "pass", ms: random.int(0, 120) },
    { do: "stop", slot },
    ...(features.several && random.chance(0.6)
      ? [{ ...start(random, features, setup, other), wal: true, sender: true }]
      : []),
    { do: "pass", ms: random.int(10_000, 40_000) },
    { do: "resume", slot, busy: random.pick([0, 30, 30]) },
    ...(random.chance(0.7) ? appends(random, slot) : []),
    ...(random.chance(0.4) ? [{ do: "kill", slot } as const] : []),
  ];
}

function appends(random: Random, slot: number): Step[] {
  const big = random.chance(0.15);
  const kind = random.chance(0.5)
    ? random.pick<RecordKind>(["call", "start", "end"])
    : random.pick(RECORD_KINDS);
  const count = big ? 1 : random.int(1, random.pick([1, 3, 8]));
  const size = big ? random.int(400, 4_000) : random.int(0, 200);
  const seed = random.seed();
  const isCall = kind === "call" || kind === "start" || kind === "end";
  const isSpan = !isCall && mix(seed, 1) % 8 === 0;
  return [{ do: "append", slot, kind: isSpan ? "span" : kind, count, size, seed }];
}

function duration(random: Random): number {
  return random.weighted({ short: 3, middle: 3, long: 2, stale: 0.7 }) === "stale"
    ? random.int(9_000, 14_000)
    : random.int(0, random.pick([5, 50, 300, 3_000]));
}

function timeLimit(random: Random, probability: number): { timeout?: number } {
  return random.chance(probability) ? { timeout: random.pick([0, 50, 1_000, 20_000]) } : {};
}

function serverFaults(random: Random): ServerFault[] {
  if (random.chance(0.3)) return [];
  return Array.from({ length: random.int(1, 3) }, () => ({
    kind: random.pick(SERVER_FAULTS),
    probability: random.pick([1, 0.5, 0.2]),
  }));
}
