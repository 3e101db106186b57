/**
 * Runs one test file on each runtime, and parses its report.
 *
 * @module
 */

/** The runtimes, in the order of the report. */
export const runtimeNames = ["deno", "bun", "node"] as const;

/** A runtime of the suite. */
export type RuntimeName = (typeof runtimeNames)[number];

/** Number of tests by result. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Command and arguments that run one test file. */
export function testCommand(runtime: RuntimeName, file: string): [string, string[]] {
  switch (runtime) {
    case "deno":
      // Types are checked beforehand, once for all files.
      return ["deno", ["test", "-A", "--no-check", file]];
    case "bun":
      return ["bun", ["test", `./${file}`]];
    case "node":
      return ["node", ["--import", "tsx", file]];
  }
}

/** Parses the report of the runtime's test runner; `undefined` if there is none, as after a crash. */
export function readCounts(runtime: RuntimeName, output: string): Counts | undefined {
  const report = output.slice(lastIndexOf(output, reports[runtime].begin));
  if (!reports[runtime].begin.test(report)) return undefined;
  const { passed, failed, skipped } = reports[runtime];
  const sum = (patterns: RegExp[]) =>
    patterns.reduce((total, pattern) => total + Number(pattern.exec(report)?.[1] ?? 0), 0);
  return { passed: sum(passed), failed: sum(failed), skipped: sum(skipped) };
}

interface Report {
  /** The start of the report. A test may print the same, so the last match counts. */
  begin: RegExp;
  passed: RegExp[];
  failed: RegExp[];
  skipped: RegExp[];
}

const reports: Record<RuntimeName, Report> = {
  deno: {
    begin: /^(?:ok|FAILED) \| /m,
    passed: [/\| (\d+) passed/],
    failed: [/\| (\d+) failed/],
    skipped: [/\| (\d+) ignored/],
  },
  bun: {
    begin: /^ *\d+ pass$/m,
    passed: [/^ *(\d+) pass$/m],
    // Includes errors outside of tests.
    failed: [/^ *(\d+) fail$/m],
    skipped: [/^ *(\d+) skip$/m],
  },
  node: {
    begin: /^ℹ tests \d+$/m,
    passed: [/^ℹ pass (\d+)$/m],
    failed: [/^ℹ fail (\d+)$/m, /^ℹ cancelled (\d+)$/m],
    skipped: [/^ℹ skipped (\d+)$/m, /^ℹ todo (\d+)$/m],
  },
};

function lastIndexOf(text: string, pattern: RegExp): number {
  let last = 0;
  for (const { index } of text.matchAll(new RegExp(pattern.source, "gm"))) last = index;
  return last;
}
