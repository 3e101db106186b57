/**
 * The whole test run: `npm test` checks the project and runs every test file on Deno, Bun and Node.
 *
 * ```sh
 * npm test                          # the check and the suite on all three
 * npm run test:bun -- wal_ reader   # test files whose name holds one of the words, on Bun
 * npm test -- --jobs 4              # files at once; as many as there are cores unless given
 * npm test -- --limit 900           # seconds that one file may take; 300 unless given
 * ```
 *
 * Every file runs in a process of its own, on each runtime: one that hangs, crashes or leaves
 * something behind cannot disturb another. What a failing file printed is shown whole.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { runChecks } from "./check/steps.ts";
import { inParallel, projectRoot, run } from "./test/process.ts";
import {
  type Counts,
  readCounts,
  type RuntimeName,
  runtimeNames,
  testCommand,
} from "./test/runners.ts";

interface Row extends Counts {
  ms: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", multiple: true },
    check: { type: "boolean", default: false },
    jobs: { type: "string", default: String(Math.max(2, availableParallelism())) },
    limit: { type: "string", default: "300" },
  },
});
const runtimes = runtimeNames.filter((name) => values.runtime?.includes(name) ?? true);
const files = testFiles(positionals);
const begin = performance.now();
const rows = new Map<string, Row>();
const failures: string[] = [];
const durations: { name: string; ms: number }[] = [];
/** Tests that were skipped, by file and reason, and where. */
const skips = new Map<string, Set<RuntimeName>>();

if (values.check) {
  const start = performance.now();
  const checks = await runChecks();
  const failed = checks.filter(({ passed }) => !passed);
  failures.push(...failed.map(({ name }) => `check: ${name}`));
  rows.set("check", {
    passed: checks.length - failed.length,
    failed: failed.length,
    skipped: 0,
    ms: performance.now() - start,
  });
}
for (const runtime of runtimes) rows.set(runtime, { passed: 0, failed: 0, skipped: 0, ms: 0 });
const jobs = files.flatMap((file) => runtimes.map((runtime) => ({ file, runtime })));
const done = new Map<string, Map<RuntimeName, Row>>(files.map((file) => [file, new Map()]));
await inParallel(jobs, Number(values.jobs), async ({ file, runtime }) => {
  const row = await runFile(file, runtime);
  const fileRows = done.get(file)!.set(runtime, row);
  if (fileRows.size === runtimes.length) reportFile(file, fileRows);
});
for (const runtime of runtimes) {
  const { passed, failed } = rows.get(runtime)!;
  if (passed + failed > 0) continue;
  rows.get(runtime)!.failed++;
  failures.push(`${runtime}: no test ran`);
}
summarize();

function testFiles(words: readonly string[]): string[] {
  return readdirSync(join(projectRoot, "tests"), { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith("_test.ts"))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .sort()
    .map((name) => `tests/${name}`);
}

async function runFile(file: string, runtime: RuntimeName): Promise<Row> {
  const { status, ending, output, ms } = await run(...testCommand(runtime, file), {
    limitMs: Number(values.limit) * 1000,
  });
  const counts = readCounts(runtime, output) ?? { passed: 0, failed: 0, skipped: 0 };
  const empty = counts.passed + counts.failed + counts.skipped === 0;
  // A file may also fail outside of its tests: an import that throws, an error after the last one.
  if (counts.failed === 0 && (status !== 0 || empty)) counts.failed = 1;
  if (counts.failed > 0) {
    const how = status === 0 && empty ? "no test in it" : ending;
    failures.push(`${runtime}: ${file} (${how})`);
    console.log(`\nFAILED on ${runtime}: ${file} (${how}, ${seconds(ms)})\n${output.trimEnd()}\n`);
  }
  durations.push({ name: `${file} on ${runtime}`, ms });
  noteSkips(file, runtime, output);
  const total = rows.get(runtime)!;
  for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
  total.ms += ms;
  return { ...counts, ms };
}

/** A test that did not run must not pass for one that did: the reasons stand in the summary. */
function noteSkips(file: string, runtime: RuntimeName, output: string): void {
  const reasons = [...output.matchAll(/^SKIPPED: .*: ([^:\n]+)$/gm)].map(([, reason]) => reason);
  for (const reason of new Set(reasons)) {
    const count = reasons.filter((other) => other === reason).length;
    const what = `${count} of ${file} (${reason})`;
    skips.set(what, (skips.get(what) ?? new Set()).add(runtime));
  }
}

function reportFile(file: string, fileRows: ReadonlyMap<RuntimeName, Row>): void {
  const parts = runtimes.map((runtime) => {
    const { passed, failed, skipped, ms } = fileRows.get(runtime)!;
    const fate = [`${passed} passed`];
    if (failed > 0) fate.push(`${failed} FAILED`);
    if (skipped > 0) fate.push(`${skipped} skipped`);
    return `${runtime} ${fate.join(", ")} in ${seconds(ms)}`;
  });
  console.log(`${file.replace("tests/", "")}: ${parts.join("; ")}`);
}

function summarize(): void {
  durations.sort((a, b) => b.ms - a.ms);
  const slow = durations.slice(0, 5).filter(({ ms }) => ms > 5_000);
  console.log();
  for (const { name, ms } of slow) console.log(`slow: ${name}, ${seconds(ms)}`);
  for (const [what, where] of skips) console.log(`skipped: ${what} on ${[...where].join(", ")}`);
  for (const failure of failures) console.log(`failed: ${failure}`);
  console.log(`${"".padEnd(8)}${columns("passed", "failed", "skipped", "time")}`);
  let [passed, failed] = [0, 0];
  for (const [name, row] of rows) {
    passed += row.passed;
    failed += row.failed;
    const { skipped, ms } = row;
    console.log(`${name.padEnd(8)}${columns(row.passed, row.failed, skipped, seconds(ms))}`);
  }
  console.log(`all in ${seconds(performance.now() - begin)}, ${values.jobs} files at a time`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function columns(...cells: (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(10)).join("");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
