import assert from "node:assert/strict";
import { parseNetrc, passwordFor, withNetrcEntry } from "../../../src/client/credentials/netrc.ts";
import { test } from "../../harness.ts";

const TEXT = `# keys
machine one login a password p1 machine two
  login b
  password p2
macdef init
  echo hello
  machine three password no

default login anonymous password guest
machine four password p4 account x user d
`;

/** Passwords by machine; `default` is the entry for every machine. */
function passwords(text: string): Record<string, string | undefined> {
  return Object.fromEntries(
    parseNetrc(text).map(({ machine = "default", password }) => [machine, password]),
  );
}

test("netrc: entries on one line or many, with comments, macros and a default between", () => {
  const entries = parseNetrc(TEXT).map((
    { machine, login, password },
  ) => [machine, login, password]);
  assert.deepEqual(entries, [
    ["one", "a", "p1"],
    ["two", "b", "p2"],
    [undefined, "anonymous", "guest"],
    ["four", "d", "p4"],
  ]);
});

test("netrc: quotes and backslashes are read as Python's netrc reads them", () => {
  const cases: [string, string][] = [
    ['"quoted"', "quoted"],
    ['"two words"', "two words"],
    ['"a \\"b\\" \\\\c"', 'a "b" \\c'],
    ['"machine other password no"', "machine other password no"],
    ["a\\ b", "a b"],
    ["#not-a-comment", "#not-a-comment"],
    ['in"side', 'in"side'],
    ['""', ""],
  ];
  for (const [written, read] of cases) {
    const text = `machine m login u password ${written}\nmachine next password n\n`;
    assert.deepEqual(passwords(text), { m: read, next: "n" }, written);
  }
});

test("netrc: comments, Windows lines, unknown words and a file that ends too soon", () => {
  assert.deepEqual(passwords("machine m # machine no\r\n  password p # word\r\n"), { m: "p" });
  assert.deepEqual(passwords("toString x machine m port 1 password p"), { m: "p" });
  assert.deepEqual(passwords('machine m password "open'), { m: "open" });
  assert.deepEqual(passwords("machine m password"), { m: undefined });
  assert.deepEqual(passwords("machine"), { "": undefined });
  assert.deepEqual(passwords("macdef init\n  machine m password p"), {});
  assert.deepEqual(passwords("password p machine m password q"), { m: "q" });
});

test("netrc: the first machine of a list with a password, of its entries the last", () => {
  const entries = parseNetrc(
    "default password d machine a password 1 machine a password 2 machine b",
  );
  const found = (...machines: (string | undefined)[]) => passwordFor(entries, machines)?.password;
  assert.equal(found("a", undefined), "2");
  assert.equal(found("b", "a", undefined), "2", "an entry without a password is none");
  assert.equal(found("c", undefined), "d");
  assert.equal(found("c"), undefined);
});

test("netrc: a new entry is inserted first and leaves everything else unchanged", () => {
  const entry = "machine five\n  login user\n  password p5\n";
  assert.equal(withNetrcEntry(TEXT, "five", "p5"), entry + TEXT);
  assert.equal(withNetrcEntry("", "five", "p5"), entry);
  assert.equal(withNetrcEntry("# end", "five", "p5"), `${entry}# end\n`);
});

test("netrc: replacing an entry keeps its neighbors on the same line", () => {
  const text = withNetrcEntry(TEXT, "one", "new");
  assert.deepEqual(passwords(text), { one: "new", two: "p2", default: "guest", four: "p4" });
  assert.doesNotMatch(text, /p1/);
  assert.match(text, /^# keys$/m);
  assert.match(text, /default login anonymous password guest/);
  const again = withNetrcEntry(text, "two", "also");
  assert.deepEqual(passwords(again), { two: "also", one: "new", default: "guest", four: "p4" });
});

test("netrc: a written value is read back, whatever it is", () => {
  for (const value of ["plain", "#hash", 'quo"te', "back\\slash", "two words"]) {
    const text = withNetrcEntry(TEXT, "m", value);
    assert.deepEqual({ ...passwords(text) }, { ...passwords(TEXT), m: value }, value);
    assert.equal(withNetrcEntry(text, "m", "x"), withNetrcEntry(TEXT, "m", "x"), value);
  }
});
