/**
 * The measurements, their baselines and their goals.
 *
 * @module
 */

import type { RuntimeName } from "../test/runners.ts";
import type { BenchHost, Numbers } from "./host.ts";
import { RECORD_BYTES } from "./pipeline.ts";
import { median } from "./median.ts";

/** Sizes of a run. */
export interface Sizes {
  /** Duration (ms) of each append measurement. */
  readonly appendMs: number;
  readonly drainRecords: number;
  readonly drainRounds: number;
  /** Sizes (MiB) of the smaller and the larger log. */
  readonly logsMiB: readonly [number, number];
  readonly tracedCalls: number;
  readonly tracedRounds: number;
  /** Dead processes whose segments are recovered. */
  readonly deadProcesses: readonly number[];
}

/** A full run. */
export const FULL: Sizes = {
  appendMs: 1_500,
  drainRecords: 200_000,
  drainRounds: 5,
  logsMiB: [256, 1024],
  tracedCalls: 40_000,
  tracedRounds: 5,
  deadProcesses: [100, 1_000, 10_000],
};

/** A run of a minute or two. Goals that need large logs or an idle machine may be missed by chance. */
export const QUICK: Sizes = {
  appendMs: 300,
  drainRecords: 100_000,
  drainRounds: 3,
  logsMiB: [64, 256],
  tracedCalls: 10_000,
  tracedRounds: 2,
  deadProcesses: [100, 1_000],
};

/** One number with its goal. */
export interface Line {
  readonly measure: string;
  readonly runtime: RuntimeName;
  /** The measured values, as text. */
  readonly seen: string;
  /** The value that the goal refers to. */
  readonly value: number;
  /** The unit of `value`, as text. */
  readonly unit: string;
  readonly goal: Goal;
  readonly met: boolean;
}

/** A bound. */
export interface Goal {
  readonly is: "at most" | "at least" | "below";
  readonly bound: number;
}

/** Input of a measurement. */
export interface MeasureContext {
  readonly host: BenchHost;
  readonly sizes: Sizes;
  /** Reports the current step. */
  readonly doing: (what: string) => void;
}

/** A measurement: its lines on one runtime, and the raw numbers. */
export type Measure = (
  runtime: RuntimeName,
  context: MeasureContext,
) => Promise<{ readonly lines: readonly Line[]; readonly numbers: Numbers }>;

/** All measurements, by their names for `--only`. */
export const MEASURES: Readonly<Record<string, Measure>> = {
  append,
  drain,
  memory,
  recovery,
  traced,
  register,
};

async function append(runtime: RuntimeName, context: MeasureContext): ReturnType<Measure> {
  const { host, sizes, doing } = context;
  doing("appending records");
  const numbers = await host.program(runtime, "append.ts", [String(sizes.appendMs)]);
  const { appendMicros, floorMicros, ratio } = numbers;
  const seen = `${fixed(appendMicros, 2)} µs a record, floor ${fixed(floorMicros, 2)} µs`;
  const goal: Goal = { is: "at most", bound: 1.3 };
  return { numbers, lines: [line("append", runtime, seen, ratio, "× floor", goal)] };
}

async function drain(runtime: RuntimeName, context: MeasureContext): ReturnType<Measure> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/counter.ts");
  try {
    const records = String(sizes.drainRecords);
    const directories: string[] = [];
    // One for the bodies of the plain loop, one for warming up.
    for (let log = 1; log <= sizes.drainRounds + 2; log++) {
      doing(`writing log ${log} of ${sizes.drainRounds + 2}`);
      directories.push(host.newFolder());
      await host.program("node", "write_log.ts", [directories.at(-1)!, server.url, records]);
    }
    doing(`draining ${count(sizes.drainRecords)} records`);
    const numbers = await host.program(runtime, "drain.ts", [
      server.url,
      records,
      ...directories,
    ]);
    const { recordsPerSecond, megabytesPerSecond, bareMegabytesPerSecond, ratio } = numbers;
    const seen = `${count(recordsPerSecond)} records/s, ${count(megabytesPerSecond)} MB/s; ` +
      `bare fetch ${count(bareMegabytesPerSecond)} MB/s`;
    const goal: Goal = { is: "at least", bound: 0.7 };
    return { numbers, lines: [line("drain", runtime, seen, ratio, "× bare fetch", goal)] };
  } finally {
    server.stop();
  }
}

async function memory(runtime: RuntimeName, context: MeasureContext): ReturnType<Measure> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/counter.ts");
  try {
    const peaks: number[] = [];
    const lines: Line[] = [];
    for (const size of sizes.logsMiB) {
      doing(`writing a log of ${count(size)} MiB`);
      const directory = host.newFolder();
      const records = Math.ceil(size * 2 ** 20 / RECORD_BYTES);
      await host.program("node", "write_log.ts", [directory, server.url, String(records)]);
      doing(`draining a log of ${count(size)} MiB`);
      const args = [directory, server.url, String(records)];
      const { idleMB, peakOverIdleMB } = await host.program(runtime, "memory.ts", args);
      peaks.push(peakOverIdleMB);
      const seen = `log of ${count(size)} MiB; the idle process has ${fixed(idleMB, 0)} MB`;
      const goal: Goal = { is: "below", bound: 150 };
      lines.push(line("memory", runtime, seen, peakOverIdleMB, "MB over idle", goal));
    }
    const [small, large] = sizes.logsMiB;
    const growth = peaks[1] - peaks[0];
    lines.push(
      line("memory", runtime, `log ${fixed(large / small, 0)} times as large`, growth, "MB more", {
        is: "at most",
        // A garbage collector is lazy while memory is free. This is a sixteenth of the difference
        // between the logs.
        bound: 48,
      }),
    );
    return { lines, numbers: { smallMB: peaks[0], largeMB: peaks[1], growthMB: growth } };
  } finally {
    server.stop();
  }
}

async function recovery(runtime: RuntimeName, context: MeasureContext): ReturnType<Measure> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/counter.ts");
  const lines: Line[] = [];
  const all: Record<string, number> = {};
  try {
    for (const processes of sizes.deadProcesses) {
      const directory = host.newFolder();
      doing(`writing what ${count(processes)} processes left`);
      await host.program("node", "write_orphans.ts", [directory, server.url, String(processes)]);
      doing(`recovering what ${count(processes)} processes left`);
      const args = [server.url, directory, String(processes)];
      const numbers = await host.program(runtime, "recovery.ts", args);
      for (const [name, value] of Object.entries(numbers)) all[`${name}${processes}`] = value;
      const { initMs, firstCallMs, totalMs, longestGapMs, requests, operationsPerSegment } =
        numbers;
      const of = `${count(processes)} processes: init ${fixed(initMs, 0)} ms, first call ${
        fixed(firstCallMs, 1)
      } ms, ${count(requests)} requests, ${fixed(operationsPerSegment, 1)} operations a segment`;
      lines.push(
        line("recovery", runtime, of, totalMs / 1_000, "s", {
          is: "at most",
          bound: Math.max(1, 15 * processes / 10_000),
        }),
        line(
          "recovery",
          runtime,
          `${count(processes)} processes: longest gap`,
          longestGapMs,
          "ms",
          {
            is: "at most",
            bound: 50,
          },
        ),
      );
    }
    return { lines, numbers: all };
  } finally {
    server.stop();
  }
}

async function traced(runtime: RuntimeName, context: MeasureContext): ReturnType<Measure> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/mock.ts", ["--lean", "--quiet", "--port", "0"]);
  try {
    const one = (which: "official" | "ours"): Promise<Numbers> =>
      host.program(runtime, "traced_program.ts", [which, String(sizes.tracedCalls)], {
        WF_TRACE_SERVER_URL: server.url,
        WANDB_API_KEY: "k".repeat(40),
        WEAVE_PRINT_CALL_LINK: "false",
        WEAVE_ENABLE_WAL: String(which === "ours"),
        WEAVE_WAL_DIR: host.newFolder(),
      });
    const official: Numbers[] = [];
    const ours: Numbers[] = [];
    for (let round = 1; round <= sizes.tracedRounds; round++) {
      // In alternation, so that other load on the machine affects both.
      doing(`tracing calls with the official SDK, round ${round} of ${sizes.tracedRounds}`);
      official.push(await one("official"));
      doing(`tracing calls with the log, round ${round} of ${sizes.tracedRounds}`);
      ours.push(await one("ours"));
    }
    const cpu = median(ours.map(({ cpuMicros }) => cpuMicros));
    const officialCpu = median(official.map(({ cpuMicros }) => cpuMicros));
    const ratio = median(ours.map(({ cpuMicros }, i) => cpuMicros / official[i].cpuMicros));
    const first = median(
      ours.map(({ firstCpuMicros }, i) => firstCpuMicros / official[i].firstCpuMicros),
    );
    const program = median(ours.map(({ programMicros }) => programMicros));
    const officialProgram = median(official.map(({ programMicros }) => programMicros));
    const seen = `${fixed(cpu, 1)} µs CPU a call, official ${fixed(officialCpu, 1)} µs; ` +
      `time ${fixed(program, 1)} and ${fixed(officialProgram, 1)} µs; ` +
      `while compiling ${fixed(first, 2)} ×`;
    const goal: Goal = runtime === "node"
      ? { is: "at most", bound: 0.4 }
      : { is: "below", bound: 1 };
    return {
      lines: [line("traced", runtime, seen, ratio, "× official", goal)],
      numbers: {
        cpuMicros: cpu,
        officialCpuMicros: officialCpu,
        ratio,
        firstRatio: first,
        programMicros: program,
        officialProgramMicros: officialProgram,
        rssMiB: median(ours.map(({ rssMiB }) => rssMiB)),
        officialRssMiB: median(official.map(({ rssMiB }) => rssMiB)),
      },
    };
  } finally {
    server.stop();
  }
}

async function register(runtime: RuntimeName, context: MeasureContext): ReturnType<Measure> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/mock.ts", ["--lean", "--quiet", "--port", "0"]);
  try {
    doing("tracing calls with the official SDK, without and with the log");
    const numbers = await host.program(runtime, "register.ts", [
      server.url,
      String(sizes.tracedCalls),
      String(sizes.tracedRounds),
    ]);
    const { logCpuMicros, aloneCpuMicros, logProgramMicros, aloneProgramMicros } = numbers;
    const cpu = `${fixed(logCpuMicros, 1)} µs CPU a call, without the log ${
      fixed(aloneCpuMicros, 1)
    } µs`;
    const time = `${fixed(logProgramMicros, 1)} µs time a call, without the log ` +
      `${fixed(aloneProgramMicros, 1)} µs`;
    return {
      numbers,
      lines: [
        line("register", runtime, cpu, numbers.ratio, "× without the log", {
          is: "at most",
          bound: 1,
        }),
        line("register", runtime, time, numbers.programRatio, "× without the log", {
          is: "below",
          bound: 1,
        }),
      ],
    };
  } finally {
    server.stop();
  }
}

function line(
  measure: string,
  runtime: RuntimeName,
  seen: string,
  value: number,
  unit: string,
  goal: Goal,
): Line {
  const { is, bound } = goal;
  const met = is === "at most"
    ? value <= bound
    : is === "at least"
    ? value >= bound
    : value < bound;
  return { measure, runtime, seen, value, unit, goal, met };
}

/** Formats a number with a fixed number of decimals. */
export function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
