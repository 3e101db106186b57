/**
 * Runs the deterministic simulation of the log and its sender.
 *
 * `npm run sim -- --seed 1 --runs 2000` runs 2,000 seeds. It ends with status 1 at the first
 * seed that breaks a promise, after shrinking its scenario. `--help` lists the options.
 *
 * @module
 */

import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { parseCount } from "../src/cli/terminal/arguments.ts";
import { quoted } from "../src/cli/terminal/format.ts";
import type { Bug } from "../tests/sim/mutants/mutant.ts";
import { BUGS } from "../tests/sim/mutants/all.ts";
import { proveStream, simulateStream } from "../tests/sim/stream/stream_command.ts";
import { generate } from "../tests/sim/scenario/generate.ts";
import { type Outcome, runScenario } from "../tests/sim/checks/checker.ts";
import { describeStep, type Scenario } from "../tests/sim/scenario/scenario.ts";
import { only, shrink } from "../tests/sim/scenario/shrink.ts";

const values = new Command("npm run sim --")
  .description(
    "Runs the deterministic simulation of the log and its sender.\n" +
      "Exit status 1 at the first seed that breaks a promise, 2 for an invalid option.",
  )
  .option("--seed <n>", "first seed", parseCount, 1)
  .option("--runs <n>", "number of seeds", parseCount, 1_000)
  .option("--minutes <n>", "run for this many minutes instead", parseCount)
  .option(
    "--steps <list>",
    "run only these steps of the scenario, such as 0,3,7",
    listOf(parseCount),
  )
  .option("--trace", "print a trace")
  .option("--bug <names>", "apply a mutant, which must be found", listOf(bugNamed))
  .option(
    "--stream",
    "a log on a stream of JetStream instead, without options but --seed and --runs",
  )
  .option("--prove", "apply each mutant, or those of --bug: each must be found")
  .option("--go-on", "do not stop at the first failure, and do not shrink")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{
    seed: number;
    runs: number;
    minutes?: number;
    steps?: number[];
    trace?: boolean;
    bug?: Bug[];
    stream?: boolean;
    prove?: boolean;
    goOn?: boolean;
  }>();

if (values.stream) {
  process.exitCode = values.prove
    ? await proveStream()
    : await simulateStream(values.seed, values.runs, values.trace ?? false);
  // Timers of killed processes are still pending.
  process.exit();
}
process.exitCode = values.prove ? await prove() : await simulate();

async function simulate(): Promise<number> {
  const [bug] = values.bug ?? [];
  const first = values.seed;
  const end = values.minutes === undefined ? first + values.runs : Number.MAX_SAFE_INTEGER;
  const started = performance.now();
  const deadline = values.minutes === undefined ? Infinity : started + values.minutes * 60_000;
  let seed = first, failures = 0, records = 0, requests = 0;
  let hash = 0;
  for (; seed < end && performance.now() < deadline; seed++) {
    const scenario = scenarioOf(seed);
    const outcome = await runScenario(scenario, {
      ...(bug ? { bug } : {}),
      keepTrace: values.trace ?? false,
    });
    records += outcome.records;
    requests += outcome.requests;
    hash = (Math.imul(hash, 31) + Number.parseInt(outcome.hash, 16)) >>> 0;
    if (values.trace) console.log(outcome.trace.join("\n"));
    if (outcome.violations.length === 0) continue;
    failures++;
    if (values.goOn) {
      console.log(`seed ${seed}: ${firstLine(outcome)}`);
    } else {
      await report(scenario, outcome, bug);
      return 1;
    }
  }
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `${seed - first} seeds from ${first}: ${failures} failed, ${records} records, ` +
      `${requests} requests, ${seconds.toFixed(1)} s, trace ${hash.toString(16)}`,
  );
  return failures > 0 ? 1 : 0;
}

async function prove(): Promise<number> {
  let missed = 0;
  const bugs = values.bug ?? BUGS;
  for (const bug of bugs) {
    const found = await firstFailure(bug);
    if (found === null) missed++;
    console.log(
      found === null
        ? `MISSED ${bug.name}: not found in ${bug.seeds} seeds from ${bug.from ?? 1}`
        : `found ${bug.name} at seed ${found.seed}: ${found.what}`,
    );
  }
  console.log(`${bugs.length - missed} of ${bugs.length} mutants found`);
  return missed > 0 ? 1 : 0;
}

async function firstFailure(bug: Bug): Promise<{ seed: number; what: string } | null> {
  const { from = 1, seeds } = bug;
  for (let seed = from; seed < from + seeds; seed++) {
    const outcome = await runScenario(generate(seed), { bug });
    const found = outcome.violations.find(({ code }) => bug.breaks.includes(code));
    if (found) return { seed, what: firstLine({ ...outcome, violations: [found] }) };
  }
  return null;
}

async function report(scenario: Scenario, outcome: Outcome, bug: Bug | undefined): Promise<void> {
  const { seed, setup, steps } = scenario;
  const withBug = bug ? ` --bug ${bug.name}` : "";
  console.log(`FAILED seed ${seed}`);
  for (const { code, text } of outcome.violations) console.log(`  ${code}: ${text}`);
  console.log(`replay: npm run sim -- --seed ${seed} --runs 1${withBug}`);
  const left = await shrink(scenario, outcome.violations[0].code, bug);
  console.log(`shortest form, ${left.length} of ${steps.length} steps:`);
  console.log(`  ${JSON.stringify(setup)}`);
  for (const index of left) console.log(`  ${index} ${describeStep(steps[index])}`);
  const { violations } = await runScenario(only(scenario, left), bug ? { bug } : {});
  for (const { code, text } of violations) console.log(`  ${code}: ${text}`);
  console.log(
    `replay: npm run sim -- --seed ${seed} --runs 1 --steps ${left.join(",")} --trace${withBug}`,
  );
}

function scenarioOf(seed: number): Scenario {
  const scenario = generate(seed);
  return values.steps === undefined ? scenario : only(scenario, values.steps);
}

/** Parses comma-separated values; an empty text has none. */
function listOf<T>(read: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(",").filter((part) => part !== "").map(read);
}

function bugNamed(name: string): Bug {
  const bug = BUGS.find((candidate) => candidate.name === name);
  if (bug) return bug;
  throw new InvalidArgumentError(
    `There is no ${quoted(name)}; there are ${BUGS.map((other) => other.name).join(", ")}.`,
  );
}

function firstLine({ violations: [{ code, text }] }: Outcome): string {
  return `${code}: ${text.split("\n")[0].slice(0, 200)}`;
}
