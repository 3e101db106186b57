/**
 * The generated pages of `docs/`.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { listedDifferences } from "../conformance/double/differences.ts";
import { projectRoot } from "../test/process.ts";
import { type Coverage, coveragePage, coverageProblems, readSections } from "./guarantees.ts";
import { mockServerPage } from "./mock_server.ts";

/** A generated page. */
export interface GeneratedPage {
  /** Path from the project root. */
  readonly path: string;
  readonly text: string;
}

/** Generates the pages, and lists problems of their sources. */
export function generatePages(): { pages: GeneratedPage[]; problems: string[] } {
  const sections = readSections(read("docs/guarantees.md"));
  const coverage = JSON.parse(read("tests/coverage.json")) as Coverage;
  const problems = coverageProblems(coverage, {
    sections,
    source: (file) => {
      const path = `tests/${file}`;
      return existsSync(join(projectRoot, path)) ? read(path) : undefined;
    },
    mutants: mutantNames(),
  });
  const pages = [
    { path: "docs/internals/test-coverage.md", text: coveragePage(sections, coverage) },
    { path: "docs/internals/mock-server.md", text: mockServerPage(listedDifferences()) },
  ];
  return { pages, problems };
}

function mutantNames(): Set<string> {
  const folder = "tests/sim/mutants";
  return new Set(
    readdirSync(join(projectRoot, folder)).flatMap((file) =>
      [...read(`${folder}/${file}`).matchAll(/\bname: "([\w-]+)"/g)].map(([, name]) => name)
    ),
  );
}

function read(path: string): string {
  return readFileSync(join(projectRoot, path), "utf8");
}
