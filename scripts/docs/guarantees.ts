/**
 * The guarantees, and the tests and mutants that cover them.
 *
 * `docs/guarantees.md` is the text for users: one list entry per guarantee, starting with
 * its name in bold. `tests/coverage.json` maps each name to test titles, by file, and to
 * mutants of the simulation.
 *
 * @module
 */

import { REPOSITORY } from "./links.ts";

/** A section of the guarantees page. */
export interface Section {
  readonly heading: string;
  /** Names of its guarantees, in order. */
  readonly names: readonly string[];
}

/** Tests and mutants that cover one guarantee. */
export interface Cover {
  /** Test titles by test file, relative to `tests/`. */
  readonly tests?: Readonly<Record<string, readonly string[]>>;
  /** Names of mutants of the simulation. */
  readonly mutants?: readonly string[];
}

/** Tests and mutants by the name of the guarantee. */
export type Coverage = Readonly<Record<string, Cover>>;

/** Facts against which a coverage map is checked. */
export interface Known {
  readonly sections: readonly Section[];
  /** Source text of a test file; `undefined` if it does not exist. */
  readonly source: (file: string) => string | undefined;
  /** Names of all mutants. */
  readonly mutants: ReadonlySet<string>;
}

/** Reads the sections of the guarantees page. */
export function readSections(page: string): Section[] {
  const parts = page.split(/^## (.+)$/m).slice(1);
  return parts.flatMap((heading, index) =>
    index % 2 === 1 ? [] : [{ heading, names: namesOf(parts[index + 1]) }]
  );
}

function namesOf(text: string): string[] {
  return [...text.matchAll(/^- \*\*([^*]+)\*\*/gm)].map(([, name]) =>
    name.replace(/\s+/g, " ").replace(/\.$/, "")
  );
}

/** Problems of a coverage map, one line each. */
export function coverageProblems(coverage: Coverage, known: Known): string[] {
  const names = known.sections.flatMap((section) => section.names);
  return [
    ...names.filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `docs/guarantees.md: two entries have the name "${name}"`),
    ...names.filter((name) => !(name in coverage))
      .map((name) => `tests/coverage.json: no entry for "${name}" of docs/guarantees.md`),
    ...Object.keys(coverage).filter((name) => !names.includes(name))
      .map((name) => `tests/coverage.json: docs/guarantees.md has no entry "${name}"`),
    ...Object.entries(coverage).flatMap(([name, cover]) => coverProblems(name, cover, known)),
  ];
}

function coverProblems(name: string, cover: Cover, { source, mutants }: Known): string[] {
  const tests = Object.entries(cover.tests ?? {});
  if (tests.length === 0 && (cover.mutants ?? []).length === 0) {
    return [`tests/coverage.json: nothing covers "${name}"`];
  }
  return [
    ...tests.flatMap(([file, titles]) => {
      const text = source(file);
      if (text === undefined) return [`tests/coverage.json: there is no file tests/${file}`];
      const patterns = titlePatterns(text);
      return titles.filter((title) => !patterns.some((pattern) => pattern.test(title)))
        .map((title) => `tests/coverage.json: tests/${file} has no test "${title}"`);
    }),
    ...(cover.mutants ?? []).filter((mutant) => !mutants.has(mutant))
      .map((mutant) => `tests/coverage.json: there is no mutant "${mutant}"`),
  ];
}

/** Patterns for the titles of a test file; parts that are computed at run time match anything. */
export function titlePatterns(text: string): RegExp[] {
  const calls = text.matchAll(/(?<![.\w])test\(\s*("(?:[^"\\]|\\.)*"|`[^`]*`)/g);
  return [...calls].map(([, literal]) => {
    const parts = literal.startsWith('"')
      ? [JSON.parse(literal) as string]
      : literal.slice(1, -1).split(/\$\{(?:[^{}]|\{[^}]*\})*\}/);
    const escaped = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${escaped.join(".+")}$`);
  });
}

/**
 * The page that lists tests and mutants by guarantee. Packages contain the page but not
 * the tests, so the links point to the repository.
 */
export function coveragePage(sections: readonly Section[], coverage: Coverage): string {
  const lines = [
    "# Test coverage",
    "",
    "The tests and mutants that cover each entry of the [guarantees](../guarantees.md). A mutant is a",
    "deliberate bug that the simulation has to find (`npm run sim -- --prove`).",
    "",
    "This page is generated from `tests/coverage.json` by `npm run docs`.",
  ];
  for (const { heading, names } of sections) {
    lines.push("", `## ${heading}`);
    for (const name of names) {
      lines.push("", `### ${name}`, "");
      for (const [file, titles] of Object.entries(coverage[name]?.tests ?? {})) {
        lines.push(`- [tests/${file}](${REPOSITORY}/blob/main/tests/${file})`);
        for (const title of titles) lines.push(`  - ${title}`);
      }
      const mutants = coverage[name]?.mutants ?? [];
      if (mutants.length > 0) {
        lines.push(`- Mutants: ${mutants.map((mutant) => `\`${mutant}\``).join(", ")}`);
      }
    }
  }
  return lines.join("\n") + "\n";
}
