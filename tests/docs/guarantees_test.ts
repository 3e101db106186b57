import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const GUARANTEES = read("docs/guarantees.md");

interface TestName {
  file: string;
  name: string;
}

/** What `text` names: a file in code, then one or more tests of it in quotation marks. */
function namedTests(text: string): TestName[] {
  return [...text.matchAll(/`([\w/]+_test\.ts)`:((?:,?\s*“[^”]+”)+)/g)].flatMap(([, file, names]) =>
    [...names.matchAll(/“([^”]+)”/g)].map(([, name]) => ({ file, name: name.replace(/\s+/g, " ") }))
  );
}

/** The mistakes that `text` names. */
function namedMistakes(text: string): string[] {
  return [...text.matchAll(/\bmistakes?\s+((?:(?:,\s+)?`[\w-]+`)+)/g)].flatMap(([, names]) =>
    [...names.matchAll(/`([\w-]+)`/g)].map(([, name]) => name)
  );
}

/** The names of the tests of a file; what is only known when it runs may be anything. */
function testsOf(file: string): RegExp[] {
  const found: RegExp[] = [];
  for (const [, quoted] of read(file).matchAll(/(?<![.\w])test\(\s*("(?:[^"\\]|\\.)*"|`[^`]*`)/g)) {
    const text = quoted.startsWith('"') ? JSON.parse(quoted) as string : quoted.slice(1, -1);
    const parts = quoted.startsWith('"') ? [text] : text.split(/\$\{(?:[^{}]|\{[^}]*\})*\}/);
    found.push(new RegExp(`^${parts.map(escaped).join(".+")}$`));
  }
  return found;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The lines of the guarantees, each as a whole. */
function lines(text: string): string[] {
  return [...text.matchAll(/^- [^]*?(?=\n- |\n\n|$(?![^]))/gm)].map(([line]) => line);
}

test("docs: every test that the guarantees name exists in its file", () => {
  const named = namedTests(GUARANTEES);
  assert.ok(named.length > 50, `${named.length} tests are named`);
  const missing = named.filter(({ file, name }) => {
    const path = `tests/${file}`;
    return !existsSync(join(root, path)) || !testsOf(path).some((known) => known.test(name));
  });
  assert.deepEqual(missing, []);
});

test("docs: every mistake that the guarantees name is one that the simulation must find", () => {
  const sources = readdirSync(join(root, "tests/sim/mutants")).map((name) =>
    read(`tests/sim/mutants/${name}`)
  ).join("\n");
  const named = namedMistakes(GUARANTEES);
  assert.ok(named.length > 10, `${named.length} mistakes are named`);
  assert.deepEqual(named.filter((name) => !sources.includes(`name: "${name}"`)), []);
});

test("docs: every line of the guarantees names what shows it", () => {
  const all = lines(GUARANTEES);
  assert.ok(all.length > 80, `${all.length} lines`);
  const bare = all.filter((line) =>
    namedTests(line).length === 0 && namedMistakes(line).length === 0
  );
  assert.deepEqual(bare, []);
});

test("docs: every quoted name stands behind the file that it is in", () => {
  const quoted = [...GUARANTEES.matchAll(/“[^”]+”/g)].length;
  assert.equal(namedTests(GUARANTEES).length, quoted);
});

test("docs: every link between the documents leads to a file", () => {
  const pages = [
    ...readdirSync(root).filter((name) => name.endsWith(".md")),
    ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
  ];
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)\s#]+)(?:#[\w-]+)?\)/g)]
      .filter(([, target]) => !/^[a-z]+:/.test(target))
      .filter(([, target]) => !existsSync(join(root, dirname(page), target)))
      .map(([, target]) => `${page}: ${target}`)
  );
  assert.deepEqual(broken, []);
});
