/**
 * Runs the scenario of a seed on a stream, and checks the outcome.
 *
 * @module
 */

import { mix, Random } from "../scenario/random.ts";
import { isDeadLetter, NO_FAULTS } from "./sim_stream.ts";
import type { StreamBug } from "./stream_mutants.ts";
import { StreamWorld } from "./stream_world.ts";

/** Virtual ms within which everything must be delivered once all faults are over. */
const DRAIN_MS = 20 * 60_000;
const MAX_BYTES = 1_000_000, FEW_BYTES = 1_500;

/** The outcome of a run. */
export interface StreamOutcome {
  readonly violations: StreamWorld["violations"];
  readonly hash: string;
  readonly trace: readonly string[];
  readonly records: number;
  readonly requests: number;
}

/** Runs a seed. */
export async function runStream(
  seed: number,
  options: { bug?: StreamBug; keepTrace?: boolean } = {},
): Promise<StreamOutcome> {
  const random = new Random(mix(seed, 99));
  const world = new StreamWorld(seed, random.chance(0.2) ? FEW_BYTES : MAX_BYTES, options);
  const unpatch = options.bug?.patch?.();
  try {
    await play(world, random);
    if (world.violations.length === 0) await drain(world);
  } finally {
    unpatch?.();
    while (world.senders.length > 0) world.kill("sender", 0);
    while (world.relays.length > 0) world.kill("relay", 0);
  }
  return {
    violations: world.violations,
    hash: world.trace.hash,
    trace: world.trace.lines,
    records: world.answered.size,
    requests: world.server.requests,
  };
}

async function play(world: StreamWorld, random: Random): Promise<void> {
  world.startRelay();
  world.startRelay();
  world.startSender();
  let calls = 0;
  const steps = random.int(5, 30);
  for (let step = 0; step < steps && world.violations.length === 0; step++) {
    const what = random.weighted({
      call: 10,
      pass: 6,
      relay: 2,
      sender: 2,
      elect: 2,
      faults: 2,
      server: 1,
      poison: 0.5,
    });
    world.trace.add(what);
    switch (what) {
      case "call":
        for (let i = random.int(1, 8); i > 0; i--) void world.call(`c${++calls}`);
        break;
      case "poison":
        world.server.poison.add(`c${++calls}`);
        void world.call(`c${calls}`);
        break;
      case "relay":
        if (random.chance(0.5)) world.kill("relay", random.int(0, 9));
        if (world.relays.length < 2 || random.chance(0.3)) world.startRelay();
        break;
      case "sender":
        if (random.chance(0.6)) world.kill("sender", random.int(0, 9));
        if (world.senders.length === 0 || random.chance(0.5)) world.startSender();
        break;
      case "elect":
        world.stream.elect(random.int(500, 15_000));
        break;
      case "faults":
        world.stream.faults = {
          lostReplies: random.pick([0, 0.05, 0.3]),
          badReads: random.pick([0, 0.1, 0.3]),
          skips: random.pick([0, 0.1, 0.3]),
        };
        break;
      case "server":
        world.server.failures = random.pick([0, 0.2, 0.5]);
    }
    await world.pass(random.pick([5, 100, 1_000, 12_000]));
  }
}

/** Ends all faults: every acknowledged record must be delivered, and the stream must be empty. */
async function drain(world: StreamWorld): Promise<void> {
  const { stream, server } = world;
  stream.faults = NO_FAULTS;
  server.failures = 0;
  world.startRelay();
  world.startSender();
  const waiting = (): boolean => stream.messages.some(({ subject }) => !isDeadLetter(subject));
  await world.pass(DRAIN_MS, () => world.calling === 0 && !waiting());
  if (world.violations.length > 0) return;
  if (world.calling > 0 || waiting()) {
    world.violate("pending", `${world.calling} callers, ${stream.messages.length} messages`);
  }
  for (const id of server.reopened) world.violate("order", `${id}: its start came after its end`);
  const dead = stream.messages.map(({ payload }) => decoder.decode(payload)).join("");
  for (const name of world.answered) {
    const [id, part] = name.split(":");
    const kept = dead.includes(`"${part}":{"project_id":"e/p","id":"${id}"`);
    if (server.poison.has(id)) {
      if (!kept) world.violate("lost", `${name} was refused, and has no dead letter`);
    } else {
      if (!server.has.has(name)) world.violate("lost", name);
      if (kept) world.violate("refused", `${name} is a dead letter`);
    }
  }
}

const decoder = new TextDecoder();
