import assert from "node:assert/strict";
import { headingIds, linkProblems, linksOf, REPOSITORY } from "../../scripts/docs/links.ts";
import { test } from "../harness.ts";

const FILES: Record<string, string> = {
  "README.md": "# Project\n\n## Set up\n\n## Set up\n",
  "docs/a.md": "# A",
  "docs/internals/b.md": "# B",
  "docs/kubernetes": "",
  "tests/a_test.ts": "",
};
const targets = {
  read: (path: string) => FILES[path],
  isPublished: (path: string) => !path.startsWith("tests/"),
};
const problems = (page: string, text: string) => linkProblems(page, text, targets);

test("links: links to files, folders, headings and other sites are fine", () => {
  const text = "[a](../a.md) [b](#b) [c](../../README.md#set-up-1) [d](../kubernetes/)\n" +
    `[e](https://example.com/x.md#y) [f](${REPOSITORY}/blob/main/tests/a_test.ts) [g](mailto:a@b.c)`;
  assert.deepEqual(problems("docs/internals/b.md", `# B\n${text}`), []);
});

test("links: a missing file or heading is reported", () => {
  assert.deepEqual(problems("docs/a.md", "[x](b.md) [y](../README.md#set-down)"), [
    "docs/a.md: b.md (there is no docs/b.md)",
    "docs/a.md: ../README.md#set-down (README.md has no heading #set-down)",
  ]);
  const [missing] = problems("README.md", `[x](${REPOSITORY}/blob/main/tests/b_test.ts)`);
  assert.match(missing, /there is no tests\/b_test\.ts/);
});

test("links: a published page may not link to a file that packages do not contain", () => {
  const [problem] = problems("docs/a.md", "[x](../tests/a_test.ts)");
  assert.match(problem, /packages do not hold tests\/a_test\.ts: link to https:/);
});

test("links: code contains no links", () => {
  assert.deepEqual(
    linksOf("`[a](b)` [c](d)\n```md\n[e](f)\n```\n1. x\n   ```ts\n   [g](h)\n   ```\n"),
    [
      "d",
    ],
  );
});

test("links: headings get the ids that GitHub gives them", () => {
  const text =
    "# One & two\n## `flush()` in [docs](x.md)\n```sh\n# comment\n```\n## Größe\n## One & two";
  assert.deepEqual(headingIds(text), ["one--two", "flush-in-docs", "größe", "one--two-1"]);
});
