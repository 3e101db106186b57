/**
 * Runs a program of the official SDK without and with `register` in alternation, and measures the CPU
 * of the whole process and the time per traced call. Prints one line of JSON.
 *
 * Usage: `register.ts <server URL> [calls] [rounds]`
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { median } from "../median.ts";

/** Output of one run, in µs per traced call. */
interface Run {
  /** User and system time of all threads, until everything is delivered. */
  readonly cpu: number;
  /** Until the last op returned. */
  readonly ops: number;
  /** Until everything is delivered and the program may end. */
  readonly program: number;
  readonly rssMiB: number;
}

const [first, calls = "20000", rounds = "5"] = process.argv.slice(2);
if (first === "--program") await program(Number(calls));
else compare(first, Number(rounds));

function compare(serverUrl: string, rounds: number): void {
  const without: Run[] = [];
  const log: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    without.push(run(serverUrl, false));
    log.push(run(serverUrl, true));
  }
  const of = (runs: readonly Run[], field: keyof Run) => median(runs.map((one) => one[field]));
  const ratio = (field: keyof Run) => median(log.map((one, i) => one[field] / without[i][field]));
  console.log(JSON.stringify({
    runtime: detectRuntime().name,
    aloneCpuMicros: of(without, "cpu"),
    logCpuMicros: of(log, "cpu"),
    ratio: ratio("cpu"),
    aloneProgramMicros: of(without, "program"),
    logProgramMicros: of(log, "program"),
    programRatio: ratio("program"),
    aloneOpsMicros: of(without, "ops"),
    logOpsMicros: of(log, "ops"),
    opsRatio: ratio("ops"),
    aloneRssMiB: of(without, "rssMiB"),
    logRssMiB: of(log, "rssMiB"),
  }));
}

function run(serverUrl: string, log: boolean): Run {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-bench-register-"));
  const own: Record<string, readonly string[]> = {
    deno: ["run", "-A", "--quiet"],
    bun: [],
    node: ["--import", "tsx"],
  };
  const args = [...own[detectRuntime().name], fileURLToPath(import.meta.url), "--program", calls];
  try {
    const output = execFileSync(process.execPath, args, {
      encoding: "utf8",
      env: {
        ...process.env,
        WF_TRACE_SERVER_URL: serverUrl,
        WANDB_API_KEY: "k".repeat(40),
        WEAVE_PRINT_CALL_LINK: "false",
        WEAVE_ENABLE_WAL: String(log),
        WEAVE_WAL_DIR: directory,
      },
    });
    return JSON.parse(output.trim().split("\n").at(-1)!) as Run;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Two traced calls a round, with occasional pauses, as in a program that waits for a model. */
async function program(calls: number): Promise<void> {
  await import("../../../src/drop_in/register.ts");
  const { flush } = await import("../../../src/drop_in/durable.ts");
  const weave = await import("weave");
  // Separate projects: one that received complete calls no longer accepts the SDK's batches.
  const client = await weave.init(
    process.env.WEAVE_ENABLE_WAL === "true" ? "bench/log" : "bench/without",
  );
  const retrieve = weave.op(
    (question: string) =>
      Promise.resolve([
        { text: `A passage about ${question}`, score: 0.75 },
        { text: "Another passage, a little longer, about the purpose of a log.", score: 0.5 },
      ]),
    { name: "retrieve" },
  );
  const answer = weave.op(async (question: string, options: { limit: number }) => {
    const passages = await retrieve(question);
    return { answer: passages[0].text, passages: passages.slice(0, options.limit) };
  }, { name: "answer" });
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await answer(`What is written before it is sent? (${i})`, { limit: 2 });
      if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const delivered = async (): Promise<void> => {
    await (client as unknown as { waitForBatchProcessing(): Promise<void> })
      .waitForBatchProcessing();
    await flush();
  };
  // Warm up until both are compiled, as in a program that has run for a while.
  await turns(10_000);
  await delivered();

  const before = process.cpuUsage();
  const from = performance.now();
  await turns(calls / 2);
  const ran = performance.now() - from;
  await delivered();
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({
    cpu: (user + system) / calls,
    ops: ran * 1_000 / calls,
    program: (performance.now() - from) * 1_000 / calls,
    rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  }));
  process.exit(0);
}
