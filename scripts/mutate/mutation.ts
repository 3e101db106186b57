/**
 * Mutations: single-line bugs that the tests must find.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeName } from "../test/runners.ts";

/** A deliberate bug in one place of the sources. */
export interface Mutation {
  /** Source file, from the project root. */
  readonly file: string;
  /** Description of the bug. */
  readonly mistake: string;
  /** Text to replace. It must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Test files that should find the bug, relative to `tests/`, the likeliest first. */
  readonly tests: readonly string[];
  /** Runtime of the tests (default: `bun`, the fastest). */
  readonly runtime?: RuntimeName;
  /** Why no test can find the bug. */
  readonly harmless?: string;
}

/** Result of a mutation. */
export interface MutationResult {
  readonly mutation: Mutation;
  /** The test file that found the bug; `null` if none did. */
  readonly foundBy: string | null;
  /** Duration in ms. */
  readonly ms: number;
}

/** The mutated source. Throws if the text does not occur exactly once. */
export function mutated(source: string, { file, find, replace }: Mutation): string {
  const [before, after, ...more] = source.split(find);
  if (after === undefined || more.length > 0) {
    const count = after === undefined ? "not" : `${more.length + 1} times`;
    throw new Error(`${file}: the text of a mutation occurs ${count}: ${find}`);
  }
  if (find === replace) throw new Error(`${file}: a mutation changes nothing: ${find}`);
  return before + replace + after;
}

/** Mutations that no longer match the sources below `root`, one line each. */
export function staleMutations(mutations: readonly Mutation[], root: string): string[] {
  return mutations.flatMap((mutation) => {
    try {
      mutated(readFileSync(join(root, mutation.file), "utf8"), mutation);
      for (const test of mutation.tests) readFileSync(join(root, "tests", test));
      return [];
    } catch (error) {
      return [`${(error as Error).message} (mutation: ${mutation.mistake})`];
    }
  });
}

/** Percentage of the mutations that were found, excluding those that no test can find. */
export function scoreOf(results: readonly MutationResult[]): number {
  const counted = results.filter(({ mutation, foundBy }) =>
    foundBy !== null || mutation.harmless === undefined
  );
  if (counted.length === 0) return 100;
  return 100 * counted.filter(({ foundBy }) => foundBy !== null).length / counted.length;
}
