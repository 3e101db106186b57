import assert from "node:assert/strict";
import { parseNetrc, withNetrcEntry } from "../../../src/client/settings/netrc.ts";
import { test } from "../../harness.ts";

const TEXT = `# keys
machine one login a password p1 machine two
  login b
  password p2
macdef init
  echo hello
  machine three password no

default login anonymous password guest
machine four password p4 account x login d
`;

test("netrc: entries on one line or many, with comments, macros and a default between", () => {
  assert.deepEqual(parseNetrc(TEXT), [
    { machine: "one", login: "a", password: "p1" },
    { machine: "two", login: "b", password: "p2" },
    { machine: "four", login: "d", password: "p4" },
  ]);
});

test("netrc: a new entry stands first and leaves all else as it was", () => {
  const entry = "machine five\n  login user\n  password p5\n";
  assert.equal(withNetrcEntry(TEXT, "five", "p5"), entry + TEXT);
  assert.equal(withNetrcEntry("", "five", "p5"), entry);
});

test("netrc: an entry is replaced and its neighbours on the same line are kept", () => {
  const text = withNetrcEntry(TEXT, "one", "new");
  const entries = parseNetrc(text);
  assert.deepEqual(entries.map(({ machine }) => machine), ["one", "two", "four"]);
  assert.equal(entries[0].password, "new");
  assert.equal(entries[1].password, "p2");
  assert.doesNotMatch(text, /p1/);
  assert.match(text, /default login anonymous password guest/);
  assert.deepEqual(parseNetrc(withNetrcEntry(text, "two", "also"))[1], {
    machine: "one",
    login: "user",
    password: "new",
  });
});
