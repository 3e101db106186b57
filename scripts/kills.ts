/**
 * Kills writers and senders with SIGKILL in any number of rounds, and counts lost records.
 *
 * ```sh
 * npm run kills -- --rounds 1000                              # children on all three runtimes
 * npm run kills -- --rounds 200 --runtime bun --seed 7 --jobs 2
 * npm run kills -- --processes 200                            # in one directory
 * ```
 *
 * The children of a round write to one directory, are killed one after the other or concurrently, and
 * may run on different runtimes. The runtime of this script then delivers what is pending. A failure
 * prints the seed of its round. `--rounds 1 --seed <seed>` repeats it, except for the times at which
 * the signals arrive.
 *
 * With `--processes` there are no rounds: all processes write to one directory, each is killed after a
 * few hundred ms, and the server must have exactly the records that they wrote.
 *
 * @module
 */

import process from "node:process";
import { Command, Option } from "commander";
import { parseCount } from "../src/cli/terminal/arguments.ts";
import { killRounds } from "../tests/support/kill/kill_fixture.ts";
import { shortLives } from "../tests/support/kill/short_lives.ts";
import { type RuntimeName, runtimeNames } from "./test/runners.ts";

const { rounds, processes, seed, jobs, runtime: chosen } = new Command("npm run kills --")
  .description(
    "Kills writers and senders with SIGKILL, delivers their logs, and counts lost records.\n" +
      "Exit status 1 if a record is lost, 2 for an invalid option.",
  )
  .option("--rounds <n>", "number of rounds", parseCount, 300)
  .addOption(
    new Option("--processes <n>", "this many processes in one directory, instead of rounds")
      .argParser(parseCount).conflicts("rounds"),
  )
  .addOption(
    new Option("--seed <n>", "seed of the first round").argParser(parseCount)
      .default(Date.now() % 1_000_000, "from the clock"),
  )
  .addOption(
    new Option("--runtime <names...>", "runtimes of the children").choices(runtimeNames)
      .default(runtimeNames, "all"),
  )
  .option("--jobs <n>", "concurrent rounds, or processes", parseCount, 3)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{
    rounds: number;
    processes?: number;
    seed: number;
    runtime: RuntimeName[];
    jobs: number;
  }>();
const runtimes = chosen.map((runtime) => ({ runtime }));
const STEP = 50;

try {
  if (processes === undefined) await runRounds();
  else await runProcesses(processes);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}

async function runProcesses(count: number): Promise<void> {
  console.log(`${count} processes, seed ${seed}, on ${chosen.join(", ")}`);
  const { reported, unreported, stored, torn, repeated } = await shortLives(
    count,
    seed,
    jobs,
    runtimes,
  );
  console.log(
    `${count} kills: ${reported} records reported, ${unreported} written but not reported, ` +
      `${stored} on the server; ${torn} truncated records dead-lettered, ` +
      `${repeated} sent again without effect`,
  );
}

async function runRounds(): Promise<void> {
  console.log(`${rounds} rounds from seed ${seed}, children on ${chosen.join(", ")}`);
  const total = { reported: 0, kills: 0, torn: 0, repeated: 0 };
  for (let done = 0; done < rounds; done += STEP) {
    const part = await killRounds(Math.min(STEP, rounds - done), seed + done, jobs, runtimes);
    for (const key of ["reported", "kills", "torn", "repeated"] as const) total[key] += part[key];
    const { reported, kills, torn, repeated } = total;
    console.log(
      `${
        Math.min(rounds, done + STEP)
      } rounds, ${kills} kills: ${reported} records reported, 0 lost, ` +
        `${torn} truncated records dead-lettered, ${repeated} sent again without effect`,
    );
  }
}
