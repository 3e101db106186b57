import assert from "node:assert/strict";
import {
  coveragePage,
  coverageProblems,
  type Known,
  readSections,
  titlePatterns,
} from "../../scripts/docs/guarantees.ts";
import { test } from "../harness.ts";

const PAGE = `# Guarantees

- **Not in a section.** Ignored.

## Promises

- **Appended.** When an op
  returns.
- **Three ways
  out.** Each counted.

## Server

- **Status 413.** Halved.
`;
const SOURCE = 'test("one", () => {});\ntest(`size ${sizes["a"]}: two`, () => {});';
const known: Known = {
  sections: readSections(PAGE),
  source: (file) => file === "a_test.ts" ? SOURCE : undefined,
  mutants: new Set(["lost-end"]),
};
const complete = {
  "Appended": { tests: { "a_test.ts": ["one", "size 7: two"] } },
  "Three ways out": { mutants: ["lost-end"] },
  "Status 413": { tests: { "a_test.ts": ["one"] }, mutants: ["lost-end"] },
};

test("coverage: the names of guarantees are read by section", () => {
  assert.deepEqual(known.sections, [
    { heading: "Promises", names: ["Appended", "Three ways out"] },
    { heading: "Server", names: ["Status 413"] },
  ]);
});

test("coverage: a complete map has no problems", () => {
  assert.deepEqual(coverageProblems(complete, known), []);
});

test("coverage: an entry on one side only is a problem", () => {
  const { Appended: _, ...without } = complete;
  assert.deepEqual(coverageProblems(without, known), [
    'tests/coverage.json: no entry for "Appended" of docs/guarantees.md',
  ]);
  assert.deepEqual(coverageProblems({ ...complete, "Unknown": { mutants: ["lost-end"] } }, known), [
    'tests/coverage.json: docs/guarantees.md has no entry "Unknown"',
  ]);
});

test("coverage: two guarantees of one name are a problem", () => {
  const sections = [...known.sections, { heading: "Disk", names: ["Appended"] }];
  assert.deepEqual(coverageProblems(complete, { ...known, sections }), [
    'docs/guarantees.md: two entries have the name "Appended"',
  ]);
});

test("coverage: a test, a file or a mutant that does not exist is a problem", () => {
  const problems = coverageProblems({
    "Appended": { tests: { "a_test.ts": ["one more", "size : two"], "b_test.ts": ["one"] } },
    "Three ways out": { mutants: ["lost-start"] },
    "Status 413": { tests: {} },
  }, known);
  assert.deepEqual(problems, [
    'tests/coverage.json: tests/a_test.ts has no test "one more"',
    'tests/coverage.json: tests/a_test.ts has no test "size : two"',
    "tests/coverage.json: there is no file tests/b_test.ts",
    'tests/coverage.json: there is no mutant "lost-start"',
    'tests/coverage.json: nothing covers "Status 413"',
  ]);
});

test("coverage: titles are found whatever they contain", () => {
  const titles = ['test("say \\"no\\" (twice)", f)', "test(\n  `a ${b({ c: 1 })} d`,\n  f)"];
  const patterns = titlePatterns(`${titles.join("\n")}\npattern.test("no title")`);
  assert.equal(patterns.length, 2);
  assert.match('say "no" (twice)', patterns[0]);
  assert.match("a 1 d", patterns[1]);
  assert.doesNotMatch("a  d", patterns[1]);
});

test("coverage: the page lists tests by file, and mutants", () => {
  const page = coveragePage(known.sections, complete);
  assert.match(page, /^## Promises\n\n### Appended\n\n- \[tests\/a_test\.ts\]\(.+\)\n {2}- one\n/m);
  assert.match(page, /^### Three ways out\n\n- Mutants: `lost-end`\n/m);
});
