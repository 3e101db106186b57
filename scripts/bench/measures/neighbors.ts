/**
 * Many living processes in one directory: what each costs while it is idle, whether they
 * slow each other down, and who notices the death of one.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { bundleInto } from "../../../tests/support/bundle.ts";
import { inParallel, projectRoot } from "../../test/process.ts";
import type { RuntimeName } from "../../test/runners.ts";
import type { Numbers } from "../host.ts";
import { count, fixed, type Line, line, type MeasureContext, type Result } from "../measure.ts";

/** Time to observe idle processes. */
const IDLE_MS = 20_000;
/** Time after the last start until each process has seen all others. */
const SETTLE_MS = 15_000;
/** Time after the takeover in which all others notice the death too. */
const NOTICE_MS = 15_000;
const LOOK_MS = 100;
/** Maximum time until the death is noticed. */
const LIMIT_MS = 120_000;
/** Processes that start at once. */
const STARTS = 4;
const APPENDS = 3_000;
/** Records that the killed process leaves. */
const LEFT = 6;
/** Clock ticks a second in `/proc`; the same on all Linux systems. */
const TICKS_PER_SECOND = 100;

const COMMANDS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["deno", "run", "-A", "--quiet", "--no-check"],
  bun: ["bun"],
  node: ["node"],
};

/** A process of `programs/neighbor.ts`. */
class Neighbor {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(runtime: RuntimeName, program: string, args: readonly string[]) {
    const [command, ...before] = COMMANDS[runtime];
    this.#child = spawn(command, [...before, program, ...args], {
      cwd: projectRoot,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout! });
  }

  /** CPU (user and system, in s) that it has used so far. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Resolves with the line of JSON that it prints next; rejects if it ends. */
  async answer(): Promise<Numbers> {
    const ended = once(this.#lines, "close").then(() => {
      throw new Error("A process ended");
    });
    const [text] = await Promise.race([once(this.#lines, "line"), ended]) as [string];
    return JSON.parse(text) as Numbers;
  }

  /** Gives it a task, and resolves with its result. */
  async ask(task: string): Promise<Numbers> {
    const answer = this.answer();
    this.#child.stdin!.write(`${task}\n`);
    return await answer;
  }

  /** Kills it; resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Measures many living processes. They are observed through `/proc`. */
export async function measureNeighbors(
  runtime: RuntimeName,
  { host, sizes: { livingProcesses: processes }, doing }: MeasureContext,
): Promise<Result> {
  if (process.platform !== "linux") return { lines: [], numbers: {} };
  const program = `${host.newFolder()}.mjs`;
  bundleInto(program, "scripts/bench/programs/neighbor.ts", "esm");
  const server = await host.server("scripts/bench/servers/counter.ts");
  const counted = async (): Promise<Numbers> => await (await fetch(server.url)).json() as Numbers;
  const neighbors: Neighbor[] = [];
  const directory = host.newFolder();
  const start = async (): Promise<Neighbor> => {
    const neighbor = new Neighbor(runtime, program, [
      directory,
      server.url,
      `neighbor${neighbors.length}`,
    ]);
    neighbors.push(neighbor);
    await neighbor.answer();
    return neighbor;
  };
  try {
    const first = await start();
    const single = await first.ask(`append ${APPENDS}`);
    await inParallel(Array.from({ length: processes - 1 }).keys(), STARTS, async (n) => {
      doing(`starting process ${n + 2} of ${processes}`);
      await start();
    });
    doing(`${processes} processes are idle`);
    await pass(SETTLE_MS);
    const idle = await shares(neighbors, IDLE_MS);
    const among = await first.ask(`append ${APPENDS}`);
    doing(`one of ${processes} processes is killed`);
    const others = neighbors.slice(0, -1);
    const victim = neighbors[others.length];
    await victim.ask(`leave ${LEFT}`);
    await counted();
    await victim.kill();
    const from = performance.now();
    let { requests, senders } = await counted();
    while (requests === 0) {
      if (performance.now() - from > LIMIT_MS) throw new Error("Nobody notices the death");
      await pass(LOOK_MS);
      ({ requests, senders } = await counted());
    }
    const takeoverMs = performance.now() - from;
    const after = await shares(others, NOTICE_MS);
    requests += (await counted()).requests;
    const numbers = {
      livingProcesses: processes,
      ...idle,
      singleMicros: single.appendMicros,
      amongMicros: among.appendMicros,
      takeoverMs,
      takeoverRequests: requests,
      takeoverSenders: senders,
      takeoverMostPercent: after.mostPercent,
    };
    return { lines: linesOf(runtime, numbers), numbers };
  } finally {
    // Only then can the directory be deleted.
    await Promise.all(neighbors.map((neighbor) => neighbor.kill()));
    server.stop();
  }
}

function linesOf(runtime: RuntimeName, numbers: Numbers): Line[] {
  const of = `${count(numbers.livingProcesses)} living processes`;
  const lines: Line[] = [];
  const add = (seen: string, value: number, unit: string, bound: number): void =>
    void lines.push(line("recovery", runtime, seen, value, unit, { is: "at most", bound }));
  const idle = `${of}: each when idle, ${fixed(numbers.meanPercent, 2)} % on average`;
  add(idle, numbers.mostPercent, "% of a core", 1);
  const micros = `${fixed(numbers.amongMicros, 1)} µs, ${
    fixed(numbers.singleMicros, 1)
  } µs in a single one`;
  add(
    `${of}: an append takes ${micros}`,
    numbers.amongMicros / numbers.singleMicros,
    "× single",
    1.3,
  );
  add(`${of}: one dies, its records are sent`, numbers.takeoverMs / 1_000, "s later", 15);
  add(`${of}: requests with them`, numbers.takeoverRequests, "requests", 1);
  add(`${of}: each after the death`, numbers.takeoverMostPercent, "% of a core", 2);
  return lines;
}

/** Percent of a core that processes use, on average and at most, while `ms` pass. */
async function shares(
  processes: readonly Neighbor[],
  ms: number,
): Promise<{ meanPercent: number; mostPercent: number }> {
  const before = processes.map(({ cpuSeconds }) => cpuSeconds);
  const from = performance.now();
  await pass(ms);
  const seconds = (performance.now() - from) / 1_000;
  const percents = processes.map(({ cpuSeconds }, n) => 100 * (cpuSeconds - before[n]) / seconds);
  const mean = percents.reduce((sum, percent) => sum + percent, 0) / percents.length;
  return { meanPercent: mean, mostPercent: Math.max(...percents) };
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
