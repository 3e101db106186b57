import assert from "node:assert/strict";
import { wordingProblems } from "../../scripts/check/glossary.ts";
import { test } from "../harness.ts";

/** Split, so that this file does not contain the wording under test. */
const ASIDE = "set a" + "side";

test("glossary: a retired wording is found in prose, comments, strings and names, with its line", () => {
  assert.deepEqual(wordingProblems("docs/a.md", `# A\n\nRecords are ${ASIDE}.`), [
    `docs/a.md:3: retired wording "${ASIDE}" (instead: dead-letter)`,
  ]);
  const code = `// It was ${ASIDE}.\nconst text = "${ASIDE}";\nconst go` + "ne = true;";
  assert.deepEqual(wordingProblems("src/a.ts", code).map((problem) => problem.split(" ")[0]), [
    "src/a.ts:1:",
    "src/a.ts:2:",
    "src/a.ts:3:",
  ]);
});

test("glossary: a doc comment that begins with a question word is found", () => {
  const question = "Wh" + "at";
  for (const comment of [`/** ${question} it is. */`, `/**\n * ${question} it is.\n */`]) {
    assert.equal(wordingProblems("src/a.ts", comment).length, 1, comment);
  }
  assert.deepEqual(wordingProblems("src/a.ts", "/** The kind. */ // Where it is."), []);
});

test("glossary: code in pages, and terms of the field, are fine", () => {
  const page = `Run \`weave-wal ${ASIDE}\` for dead letters:\n\n\`\`\`sh\n${ASIDE}\n\`\`\`\n\n` +
    "A PID alone proves nothing. They are left alone. There is no limit, and it is no longer there.";
  assert.deepEqual(wordingProblems("docs/a.md", page), []);
});
