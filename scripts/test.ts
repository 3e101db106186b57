/**
 * Runs the tests. Every test file runs in its own process, on each runtime, so that a file that
 * hangs, crashes or does not clean up cannot affect another one.
 *
 * ```sh
 * npm test                                   # check, then the suite on Deno, Bun and Node
 * npm run test:all -- --only-long            # only the long part
 * npm run test:bun -- wal/ reader            # files whose path contains one of the words, on Bun
 * npm run test:bun -- lease --name "expired" # of these, the tests whose title contains this text
 * npm test -- --help                         # all options
 * ```
 *
 * When the budget is used up, running files are stopped, and they and all others that have not run
 * count as failed.
 *
 * If the environment variable `CI` is set, a file that fails is repeated after all others. If it
 * then passes, so does the run, and the summary lists the file as flaky: a defect to repair. If
 * more than a few files fail, none is repeated.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { checkNames, runCheck } from "./check/steps.ts";
import { NodeBundles } from "./test/node_bundles.ts";
import { readTestOptions } from "./test/options.ts";
import { projectRoot, run } from "./test/process.ts";
import { Cores, runQueue, type Width } from "./test/queue.ts";
import { Report, seconds } from "./test/report.ts";
import {
  type Counts,
  readCounts,
  type RuntimeName,
  runtimeNames,
  testCommand,
} from "./test/runners.ts";
import { runtimesOf, testFiles } from "./test/select.ts";

const options = readTestOptions();
const { all, onlyLong, name: title } = options;
/** With words or a title, only a part of the tests runs. */
const isWhole = options.words.length === 0 && title === undefined;
const runtimes = runtimeNames.filter((name) => options.runtime.includes(name));
const files = testFiles(onlyLong ? "long" : all ? "all" : "short", options.words);
/** Time limit of the whole suite against the real server, ms. */
const MAX_CONFORMANCE_MS = 90 * 60_000;
const deadline = performance.now() + (options.budget ?? Infinity) * 60_000;
/** Maximum number of files to repeat. */
const MAX_AGAIN = process.env.CI ? 5 : 0;
const report = new Report();
const cores = new Cores();

await runAll();
if ((all || onlyLong) && isWhole) await runConformance();
process.exitCode = report.print(`cores ${(cores.busyShare() * 100).toFixed()}% busy`) ? 0 : 1;

/** Number of files that run at once. */
function width(): Width {
  if (options.jobs !== undefined) return { least: options.jobs, most: options.jobs };
  const count = Math.max(2, availableParallelism());
  return { least: count + 1, most: 3 * count };
}

/** Result of one test file on one runtime. */
interface FileRun {
  readonly file: string;
  readonly runtime: RuntimeName;
  readonly counts: Counts;
  /** Description of the failure; undefined if it passed. */
  readonly failure?: string;
  readonly output: string;
  /** Duration in ms. */
  readonly ms: number;
}

/**
 * Runs the steps of the check and then the files from one queue, so that no core is idle
 * in between.
 */
async function runAll(): Promise<void> {
  using bundles = runtimes.includes("node") ? new NodeBundles() : undefined;
  const checks = options.check && !onlyLong && isWhole ? checkNames : [];
  if (checks.length > 0) report.row("check");
  for (const runtime of runtimes) report.row(runtime);
  const failed: FileRun[] = [];
  const runtimesFor = (file: string): readonly RuntimeName[] =>
    all || onlyLong ? runtimes : runtimesOf(file, runtimes);
  const jobs = [
    ...checks.map((name) => () => check(name)),
    ...files.flatMap((file) => {
      const own = runtimesFor(file);
      const fileRuns: FileRun[] = [];
      return own.map((runtime) => async () => {
        const result = await runFile(file, runtime, bundles);
        if (result.failure === undefined) record(result);
        else failed.push(result);
        fileRuns.push(result);
        if (fileRuns.length === own.length) printFile(file, fileRuns);
      });
    }),
  ];
  await runQueue(jobs, width());
  const isWorthAgain = failed.length <= MAX_AGAIN;
  for (const first of failed) record(isWorthAgain ? await runAgain(first, bundles) : first);
  for (const runtime of runtimes) {
    const row = report.row(runtime);
    if (row.passed + row.failed > 0) continue;
    if (files.length > 0 && !files.some((file) => runtimesFor(file).includes(runtime))) continue;
    row.failed++;
    const what = title === undefined ? "no test ran" : `no title contains "${title}"`;
    report.failures.push(`${runtime}: ${what}`);
  }
}

async function check(name: string): Promise<void> {
  const { passed, ms } = await runCheck(name);
  if (!passed) report.failures.push(`check: ${name}`);
  const counts = { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
  report.add("check", name, counts, ms);
}

async function runAgain(
  { file, runtime, failure }: FileRun,
  bundles: NodeBundles | undefined,
): Promise<FileRun> {
  console.log(`Again: ${file} on ${runtime}`);
  const second = await runFile(file, runtime, bundles);
  if (second.failure === undefined) report.flaky.push(`${runtime}: ${file} (${failure})`);
  return second;
}

function record({ file, runtime, counts, failure, output, ms }: FileRun): void {
  if (failure !== undefined) report.failures.push(`${runtime}: ${file} (${failure})`);
  report.add(runtime, file, counts, ms);
  report.addSkips(runtime, file, output);
}

async function runFile(
  file: string,
  runtime: RuntimeName,
  bundles: NodeBundles | undefined,
): Promise<FileRun> {
  const limitMs = Math.min(options.limit * 1000, deadline - performance.now());
  if (limitMs <= 0) {
    const counts = { passed: 0, failed: 1, skipped: 0 };
    const failure = "did not run: the budget is used up";
    return { file, runtime, counts, failure, output: "", ms: 0 };
  }
  const command = await commandOf(file, runtime, bundles);
  if (command instanceof Error) {
    const failure = "cannot be bundled";
    console.log(`\nFAILED on ${runtime}: ${file} (${failure})\n${command.message}\n`);
    return {
      file,
      runtime,
      counts: { passed: 0, failed: 1, skipped: 0 },
      failure,
      output: "",
      ms: 0,
    };
  }
  const { status, ending, output, ms } = await run(...command, {
    limitMs,
    env: {
      ...(title === undefined ? {} : { WEAVE_WAL_TEST_NAME: title }),
      ...(bundles === undefined ? {} : { TEST_BUNDLES_DIR: bundles.shared }),
    },
  });
  const read = readCounts(runtime, output);
  const counts = read ?? { passed: 0, failed: 0, skipped: 0 };
  const empty = counts.passed + counts.failed + counts.skipped === 0;
  // Without tests, Node prints no report, and Bun exits with status 1.
  const isFiltered = title !== undefined && empty && (read !== undefined || status === 0);
  // A file can also fail outside its tests: an import that throws, an error after the last test.
  if (!isFiltered && counts.failed === 0 && (status !== 0 || empty)) counts.failed = 1;
  if (counts.failed === 0) return { file, runtime, counts, output, ms };
  const failure = status === 0 && empty ? "no test in it" : ending;
  console.log(
    `\nFAILED on ${runtime}: ${file} (${failure}, ${seconds(ms)})\n${output.trimEnd()}\n`,
  );
  return { file, runtime, counts, failure, output, ms };
}

/** The command that runs a file, or the error if the file cannot be bundled. */
async function commandOf(
  file: string,
  runtime: RuntimeName,
  bundles: NodeBundles | undefined,
): Promise<[string, string[]] | Error> {
  if (runtime !== "node" || bundles === undefined) return testCommand(runtime, file);
  try {
    return await bundles.testCommand(file);
  } catch (error) {
    return error as Error;
  }
}

function printFile(file: string, fileRuns: readonly FileRun[]): void {
  const parts = fileRuns.map(({ runtime, counts: { passed, failed, skipped }, ms }) => {
    const counts = [`${passed} passed`];
    if (failed > 0) counts.push(`${failed} FAILED`);
    if (skipped > 0) counts.push(`${skipped} skipped`);
    return `${runtime} ${counts.join(", ")} in ${seconds(ms)}`;
  });
  const total = fileRuns.reduce(
    (sum, { counts: { passed, failed } }) => sum + passed + failed,
    0,
  );
  if (title !== undefined && total === 0) return;
  console.log(`${file.replace("tests/", "")}: ${parts.join("; ")}`);
}

/** Runs the conformance suite, if the project has one, as a separate step. */
async function runConformance(): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8"));
  if (manifest.scripts.conformance === undefined) return;
  const limitMs = Math.min(MAX_CONFORMANCE_MS, deadline - performance.now());
  // It stops itself shortly before the limit, and lists the runs that it left out.
  const suite = ["run", "-s", "conformance", "--", "--limit", `${Math.floor(limitMs * 0.9)}ms`];
  const result = limitMs > 0
    ? await run("npm", suite, { limitMs })
    : { status: null, ending: "did not run: the budget is used up", output: "", ms: 0 };
  const passed = result.status === 0;
  if (!passed) {
    report.failures.push(`conformance (${result.ending})`);
    console.log(`\nFAILED: npm run conformance (${result.ending})\n${result.output.trimEnd()}\n`);
  }
  const counts = { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
  report.add("conformance", "npm run conformance", counts, result.ms);
  report.addSkips("conformance", "npm run conformance", result.output);
}
