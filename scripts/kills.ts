/**
 * Kills writers and senders with SIGKILL for as long as one likes, and counts what is lost.
 *
 * ```sh
 * npm run kills -- --rounds 1000                              # children on all three runtimes
 * npm run kills -- --rounds 200 --runtime bun --seed 7 --jobs 2
 * ```
 *
 * The children of a round write to one directory, are killed one after the other or side by side, and
 * may run on different runtimes; what they left is recovered by the runtime that runs this script. A failure
 * prints the seed of its round, which plays it again with `--rounds 1 --seed <seed>` but for the
 * moment in which the signals arrive.
 *
 * @module
 */

import process from "node:process";
import { Command, Option } from "commander";
import { parseCount } from "../src/cli/terminal/arguments.ts";
import { killRounds } from "../tests/support/kill_fixture.ts";
import { type RuntimeName, runtimeNames } from "./test/runners.ts";

const { rounds, seed, jobs, runtime: chosen } = new Command("npm run kills --")
  .description(
    "Kills writers and senders with SIGKILL, recovers what they left, and counts what is lost.\n" +
      "Exit status 1 when anything is lost, 2 for a wrong option.",
  )
  .option("--rounds <n>", "rounds of kills", parseCount, 300)
  .addOption(
    new Option("--seed <n>", "plays the rounds of that seed").argParser(parseCount)
      .default(Date.now() % 1_000_000, "by the clock"),
  )
  .addOption(
    new Option("--runtime <names...>", "what the children run on").choices(runtimeNames)
      .default(runtimeNames, "all"),
  )
  .option("--jobs <n>", "rounds at once", parseCount, 3)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ rounds: number; seed: number; runtime: RuntimeName[]; jobs: number }>();
const runtimes = chosen.map((runtime) => ({ runtime }));
const STEP = 50;

console.log(`${rounds} rounds from seed ${seed}, children on ${chosen.join(", ")}`);
const total = { reported: 0, kills: 0, torn: 0, repeated: 0 };
try {
  for (let done = 0; done < rounds; done += STEP) {
    const part = await killRounds(Math.min(STEP, rounds - done), seed + done, jobs, runtimes);
    for (const key of ["reported", "kills", "torn", "repeated"] as const) total[key] += part[key];
    const { reported, kills, torn, repeated } = total;
    console.log(
      `${
        Math.min(rounds, done + STEP)
      } rounds, ${kills} kills: ${reported} records reported, 0 lost, ` +
        `${torn} torn last lines set aside, ${repeated} sent again without effect`,
    );
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
