/**
 * Ends a run: stops all faults, requires that everything is delivered, and accounts for
 * every record.
 *
 * @module
 */

import { ABANDONED_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { hasLosses, readPresence } from "../../../src/wal/processes/presence_state.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Bug } from "../mutants/mutant.ts";
import type { Violation } from "../world/context.ts";
import type { DeadLetter, SimRecord } from "../world/ledger.ts";
import type { SimProcess } from "../process/process.ts";
import { WAL_DIR } from "../process/simulated_pipeline.ts";
import { mix } from "../scenario/random.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { watchRejections } from "../world/rejections.ts";
import { World } from "../world/world.ts";
import { Flushing } from "../world/flushing.ts";

/** Virtual ms within which a sender must deliver all remaining records once all faults are over. */
const DRAIN_MS = 20 * 60_000;

/** The outcome of a run. */
export interface Outcome {
  readonly violations: readonly Violation[];
  /** Depends only on the scenario. */
  readonly hash: string;
  /** Events of the run, if recorded. */
  readonly trace: readonly string[];
  readonly records: number;
  readonly requests: number;
}

/** Runs a scenario to its end and checks the outcome. */
export async function runScenario(
  scenario: Scenario,
  options: { bug?: Bug; keepTrace?: boolean } = {},
): Promise<Outcome> {
  const world = new World(scenario, options);
  const unwatch = watchRejections((error) => {
    // Expected: promises of a killed process reject.
    if ((error as { code?: unknown } | null)?.code === "ESIMKILLED") return;
    world.violate("threw", `Unhandled: ${error instanceof Error ? error.stack : String(error)}`);
  });
  const unpatch = options.bug?.patch?.();
  try {
    await world.play();
    if (world.violations.length === 0) await drain(world);
    if (world.violations.length === 0) judge(world);
    if (world.violations.length === 0) world.judgeClosings();
    await world.settle();
  } finally {
    unpatch?.();
    unwatch();
  }
  return {
    violations: world.violations,
    hash: world.trace.hash,
    trace: world.trace.lines,
    records: world.context.ledger.records.length,
    requests: world.context.past.requests,
  };
}

/**
 * Ends all faults, ends the living processes, and starts a fresh process that sends what
 * is left.
 */
async function drain(world: World): Promise<void> {
  await world.heal();
  await finishLiving(world);
  if (world.violations.length > 0) return;
  const servers = new Set<number>([0]);
  for (const { server } of world.context.ledger.spans.values()) servers.add(server);
  for (const { server } of world.context.ledger.records) if (server !== null) servers.add(server);
  for (const server of servers) start(world, 100 + server, 0, server);
  const isNote = (path: string) => path.includes("/.processes");
  const waiting = () =>
    leftovers(world).filter((path) => !isNote(path) && !path.includes("/.retry/"));
  await world.pass(DRAIN_MS, () => waiting().length === 0);
  if (world.violations.length > 0) return;
  for (const path of waiting()) {
    world.violate(path.endsWith(".jsonl") ? "pending" : "leftover", `still there: ${path}`);
  }
  if (world.violations.length === 0) await rollback(world, servers);
  await finishLiving(world);
  // The presence file of a process that died on another host may not be removed for a
  // while.
  const cleared = world.all.filter(({ leftOrderly, troubled }) =>
    leftOrderly && !troubled && !world.context.past.crashed
  );
  for (const path of leftovers(world)) {
    if (isNote(path) && !cleared.some(({ token }) => path.includes(token))) continue;
    if (isNote(path) && tellsOfLosses(world, path)) continue;
    world.violate("leftover", `after the last: ${path}`);
  }
}

/** Rolls back interrupted retries: the next retry for the same project and server does that. */
async function rollback(world: World, servers: ReadonlySet<number>): Promise<void> {
  const transaction = (project: number) =>
    world.context.ledger.files(`${WAL_DIR}/e/p${project}/.retry`).length > 0;
  const flushing = new Flushing(world.context);
  for (const project of [0, 1]) {
    for (const server of servers) {
      if (!transaction(project)) continue;
      const one = start(world, 200 + 10 * project + server, project, server);
      // It can take a while until the holder of a lease is presumed dead.
      for (let tries = 0; tries < 2 && transaction(project); tries++) {
        let over = false;
        void flushing.retry(one, false).then(() => over = true);
        await world.pass(DRAIN_MS, () => over);
        if (!over) world.violate("pending", `process ${one.id} does not end its retry`);
        await world.pass(transaction(project) ? ABANDONED_AFTER_MS + 1_000 : 0);
      }
    }
    for (const path of world.context.ledger.files(`${WAL_DIR}/e/p${project}/.retry`)) {
      world.violate("leftover", `not put back: ${path}`);
    }
  }
}

function start(world: World, slot: number, project: number, server: number): SimProcess {
  return world.start({
    do: "start",
    slot,
    host: 0,
    wal: true,
    sender: true,
    fsync: "interval",
    complete: true,
    project,
    server,
    samePid: false,
    seed: mix(world.scenario.seed, 7, slot === 100 + server ? server : slot),
  });
}

async function finishLiving(world: World): Promise<void> {
  const random = world.random(1);
  const flushing = new Flushing(world.context);
  const all = world.living;
  const isFresh = all.some(({ step }) => step.slot >= 100);
  for (const one of all) {
    if (one.finishing || isFresh || random.chance(0.6)) {
      flushing.finish(one, undefined, (result) => {
        if (!result.done && one.step.sender) {
          world.violate("flush", `process ${one.id} finished with ${JSON.stringify(result)}`);
        }
      });
    } else {
      world.kill(one);
    }
  }
  await world.pass(DRAIN_MS, () => all.every((one: SimProcess) => one.dead));
  if (world.violations.length > 0) return;
  for (const one of all) {
    if (!one.dead) world.violate("pending", `process ${one.id} does not finish`);
  }
}

/**
 * Files that no log directory should contain once everything is delivered. What recovery closed is
 * kept for a writer that may resume, with the fence of its segment.
 */
function leftovers(world: World): string[] {
  const files = world.context.ledger.files(WAL_DIR.slice(0, WAL_DIR.lastIndexOf("/")));
  const all = new Set(files);
  return files.filter((path) =>
    !/\.(deadletter|quarantine|gitignore|closed)$/.test(path) &&
    !(path.endsWith(".fence") && all.has(path.replace(/\.fence$/, ".closed")))
  );
}

/** The file of a process that lost records stays, so that the loss can be seen. */
function tellsOfLosses({ context: { ledger } }: World, path: string): boolean {
  const files = { readText: (file: string) => ledger.read(file) ?? "" } as FileSystem;
  const log = readPresence({ files }, path)?.log;
  return log !== null && log !== undefined && hasLosses(log);
}

function judge(world: World): void {
  const { ledger } = world.context;
  const lettered = new Set<SimRecord>();
  for (const path of ledger.files(WAL_DIR)) {
    if (path.endsWith(".deadletter")) judgeDeadLetters(world, path, lettered);
  }
  if (!world.context.past.crashed) judgeDrops(world, lettered);
  for (const record of ledger.records) {
    if (!record.accepted || record.stored || lettered.has(record)) continue;
    if (record.memory && record.refused) continue;
    if (record.excuse !== null) continue;
    world.violate(
      record.synced && world.context.past.crashed ? "unsynced" : "lost",
      `${record.key} of process ${record.origin?.id ?? "foreign"}`,
    );
  }
}

/** Exactly those records must be missing that a process counted as dropped. */
function judgeDrops(world: World, lettered: ReadonlySet<SimRecord>): void {
  for (const { id, counted, maybeDropped, dropped, removed } of world.all) {
    if (counted === null) continue;
    const missing = maybeDropped.filter((record) =>
      record.accepted && record.excuse === "dropped" && !record.stored && !record.refused &&
      !lettered.has(record)
    );
    const reported = counted.dropped["quota-new"] + counted.dropped["memory-full"];
    if (missing.length + dropped !== reported) {
      const all = missing.length + dropped;
      world.violate("counters", `process ${id} dropped ${all} as they came and counts ${reported}`);
    }
    if (removed > counted.dropped["quota-oldest"]) {
      const counts = counted.dropped["quota-oldest"];
      world.violate("counters", `process ${id} removed ${removed} old ones and counts ${counts}`);
    }
  }
}

function judgeDeadLetters(world: World, path: string, lettered: Set<SimRecord>): void {
  const { ledger, past, violate } = world.context;
  const { deadLetters, broken } = ledger.deadLetters(path);
  const base = path.slice(0, -".deadletter".length);
  if (broken.length > 0 && !past.disturbed) violate("dead-letter", `${path}: ${broken[0]}`);
  const offsets = new Set<number>();
  for (const deadLetter of deadLetters) {
    if (offsets.has(deadLetter.offset) && !past.disturbed) {
      violate("dead-letter", `${path}: two entries for the line at ${deadLetter.offset}`);
    }
    offsets.add(deadLetter.offset);
    const record = ledger.ofDeadLetter(deadLetter);
    if (record) lettered.add(record);
    const trouble = deadLetter.reason === "refused"
      ? troubleOfRefused(record, past.crashed)
      : troubleOfBroken(world, base, deadLetter);
    if (trouble) violate("dead-letter", `${path}: ${trouble}: ${JSON.stringify(deadLetter)}`);
  }
}

function troubleOfRefused(record: SimRecord | undefined, crashed: boolean): string | null {
  if (!record) return crashed ? null : "no such record";
  return record.refused ? null : `nobody refused ${record.key}`;
}

function troubleOfBroken(world: World, base: string, deadLetter: DeadLetter): string | null {
  const { ledger, past } = world.context;
  if (!deadLetter.quarantine) return "no bytes are kept";
  const { offset, length } = deadLetter.quarantine;
  const bytes = ledger.bytes(`${base}.quarantine`)?.subarray(offset, offset + length);
  if (bytes?.length !== length) return "its bytes are missing";
  const record = ledger.findLine(new TextDecoder().decode(bytes));
  if (record) return `the bytes are those of ${record.key}`;
  return past.crashed || past.torn.has(base) ? null : "nothing tore that line";
}
