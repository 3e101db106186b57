/**
 * `npm run mutate`: introduces single-line bugs into the sources, one at a time, and reports how
 * many of them the tests find.
 *
 * ```sh
 * npm run mutate                       # every mutation
 * npm run mutate -- wal/log fsync      # those whose file or description contains one of the words
 * ```
 *
 * The mutations are listed in `scripts/mutate/`, each with the test files that should find it. Exit
 * status 1 if fewer than 95 of 100 are found, or if the tests fail without a mutation.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { MUTATIONS } from "./mutate/all.ts";
import { type Mutation, type MutationResult, scoreOf, staleMutations } from "./mutate/mutation.ts";
import { Sandbox } from "./mutate/sandbox.ts";
import { inParallel, projectRoot } from "./test/process.ts";

/** Percentage of the mutations that the tests must find. */
const GOAL = 95;

const HELP = `Usage: npm run mutate -- [options] [words]

Introduces single-line bugs into the sources, one at a time, and reports how many of them the tests
find. With words: only those whose file or description contains one of them.

Options:
  --jobs <n>  mutations at once (default: as many as there are cores)
  -h, --help  print this help

Exit status: 0 if at least ${GOAL} of 100 are found, 1 if not, 2 for an invalid option.`;

const { values, positionals } = readArguments();
const mutations = MUTATIONS.filter(({ file, mistake }) =>
  positionals.length === 0 || positionals.some((word) => `${file} ${mistake}`.includes(word))
);
process.exitCode = await main();

function readArguments(): { values: { jobs: string }; positionals: string[] } {
  try {
    const { values: { help, jobs }, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        jobs: { type: "string", default: String(Math.max(2, availableParallelism())) },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (!help) {
      if (/^[1-9]\d*$/.test(jobs)) return { values: { jobs }, positionals };
      throw new Error(`Cannot use --jobs ${jobs}: not a positive number`);
    }
    console.log(HELP);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

async function main(): Promise<number> {
  const stale = staleMutations(mutations, projectRoot);
  for (const problem of stale) console.error(problem);
  if (stale.length > 0 || mutations.length === 0) return 1;
  const sandboxes = Array.from({ length: Number(values.jobs) }, () => new Sandbox());
  try {
    if (!await passesUnmutated(sandboxes)) return 1;
    const results = await tryAll(sandboxes);
    return report(results) ? 0 : 1;
  } finally {
    for (const sandbox of sandboxes) sandbox[Symbol.dispose]();
  }
}

/** Runs every needed test file without a mutation. */
async function passesUnmutated(sandboxes: readonly Sandbox[]): Promise<boolean> {
  const needed = new Map(
    mutations.flatMap(({ tests, runtime = "bun" }) =>
      tests.map((file) => [`${file} on ${runtime}`, { file, runtime }] as const)
    ),
  );
  const free = [...sandboxes];
  let passes = true;
  await inParallel(needed.values(), sandboxes.length, async ({ file, runtime }) => {
    const sandbox = free.pop()!;
    const failure = await sandbox.test(file, runtime);
    free.push(sandbox);
    if (failure === null) return;
    passes = false;
    console.error(`Fails without a mutation: ${file} on ${runtime}\n${failure}`);
  });
  return passes;
}

async function tryAll(sandboxes: readonly Sandbox[]): Promise<MutationResult[]> {
  const free = [...sandboxes];
  const results = new Map<Mutation, MutationResult>();
  await inParallel(mutations, sandboxes.length, async (mutation) => {
    const sandbox = free.pop()!;
    const result = await sandbox.try(mutation);
    free.push(sandbox);
    results.set(mutation, result);
    const { file, mistake, harmless } = mutation;
    const fate = result.foundBy === null
      ? harmless === undefined ? "NOT FOUND" : `harmless (${harmless})`
      : `found by ${result.foundBy}`;
    console.log(`${file}: ${mistake}: ${fate} in ${(result.ms / 1000).toFixed(1)} s`);
  });
  return mutations.map((mutation) => results.get(mutation)!);
}

/** Prints the score by folder and in total; true if the goal is reached. */
function report(results: readonly MutationResult[]): boolean {
  console.log();
  for (const { mutation, foundBy } of results) {
    if (foundBy !== null) continue;
    const why = mutation.harmless ?? "no test fails";
    console.log(`not found: ${mutation.file}: ${mutation.mistake} (${why})`);
  }
  const folders = [...new Set(results.map(({ mutation }) => folderOf(mutation)))].sort();
  for (const folder of folders) {
    const own = results.filter(({ mutation }) => folderOf(mutation) === folder);
    const found = own.filter(({ foundBy }) => foundBy !== null).length;
    console.log(`${folder.padEnd(16)}${`${found} of ${own.length}`.padStart(12)}`);
  }
  const score = scoreOf(results);
  console.log(`score ${score.toFixed(1)} (goal: ${GOAL})`);
  return score >= GOAL;
}

function folderOf({ file }: Mutation): string {
  return file.split("/").slice(0, 2).join("/");
}
