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
import { parseArgs } from "node:util";
import type { ChildRuntime } from "../tests/child_fixture.ts";
import { killRounds } from "../tests/kill_fixture.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "300" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    runtime: { type: "string", multiple: true, default: ["deno", "bun", "node"] },
    jobs: { type: "string", default: "3" },
  },
});
const [rounds, seed, jobs] = [values.rounds, values.seed, values.jobs].map(Number);
const runtimes = values.runtime.map((runtime) => ({ runtime: runtime as ChildRuntime }));
const STEP = 50;

console.log(`${rounds} rounds from seed ${seed}, children on ${values.runtime.join(", ")}`);
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
