/**
 * Collects the results of a test run and prints them.
 *
 * @module
 */

import type { Counts } from "./runners.ts";

/** Counts of one row of the summary, with the duration of its files. */
export interface Row extends Counts {
  /** Sum over all files, ms. */
  ms: number;
}

/** Maximum number of slow files in the summary, and the duration (ms) from which a file is slow. */
const SLOWEST = 8;
const SLOW_MS = 5_000;

/** Results of a run: a row for each runtime and for each other step. */
export class Report {
  /** Failures, one line each. */
  readonly failures: string[] = [];
  /** Files that failed and then passed, one line each. */
  readonly flaky: string[] = [];
  readonly #rows = new Map<string, Row>();
  readonly #durations: { name: string; ms: number }[] = [];
  /** Skipped tests by file and reason, with their rows. */
  readonly #skips = new Map<string, Set<string>>();
  readonly #start = performance.now();

  /** The row of this name, created on first use. */
  row(name: string): Row {
    const row = this.#rows.get(name) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 };
    this.#rows.set(name, row);
    return row;
  }

  /** Adds the result of one file or step to a row. */
  add(rowName: string, what: string, { passed, failed, skipped }: Counts, ms: number): void {
    const row = this.row(rowName);
    row.passed += passed;
    row.failed += failed;
    row.skipped += skipped;
    row.ms += ms;
    this.#durations.push({ name: `${what} on ${rowName}`, ms });
  }

  /** Records why a file skipped tests, so that no skip goes unnoticed. */
  addSkips(rowName: string, file: string, output: string): void {
    const reasons = [...output.matchAll(/^SKIPPED: .*: ([^:\n]+)$/gm)].map(([, reason]) => reason);
    for (const reason of new Set(reasons)) {
      const count = reasons.filter((other) => other === reason).length;
      const what = `${count} of ${file} (${reason})`;
      this.#skips.set(what, (this.#skips.get(what) ?? new Set()).add(rowName));
    }
  }

  /** Prints the summary; returns true if nothing failed. */
  print(footer: string): boolean {
    this.#durations.sort((a, b) => b.ms - a.ms);
    const slow = this.#durations.slice(0, SLOWEST).filter(({ ms }) => ms > SLOW_MS);
    console.log();
    for (const { name, ms } of slow) console.log(`slow: ${name}, ${seconds(ms)}`);
    for (const [what, where] of this.#skips) {
      console.log(`skipped: ${what} on ${[...where].join(", ")}`);
    }
    for (const file of this.flaky) console.log(`flaky, passed when it ran again: ${file}`);
    for (const failure of this.failures) console.log(`failed: ${failure}`);
    const width = Math.max(8, ...[...this.#rows.keys()].map((name) => name.length + 1));
    console.log(`${"".padEnd(width)}${columns("passed", "failed", "skipped", "time")}`);
    let passed = 0;
    let failed = 0;
    for (const [name, row] of this.#rows) {
      passed += row.passed;
      failed += row.failed;
      const cells = columns(row.passed, row.failed, row.skipped, seconds(row.ms));
      console.log(`${name.padEnd(width)}${cells}`);
    }
    console.log(`all in ${seconds(performance.now() - this.#start)}, ${footer}`);
    console.log(`${passed} passed, ${failed} failed`);
    return failed === 0 && this.failures.length === 0;
  }
}

/** Formats a duration. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function columns(...cells: (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(10)).join("");
}
