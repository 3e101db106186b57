import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { CTRL_C, noTerminal, plain, startInTerminal } from "../../support/cli/cli_terminal.ts";
import { test } from "../../harness.ts";
import { all, deadLetters, refuse } from "../../support/cli/dead_letters_fixture.ts";

const NAME = "acme/chat";

const SLOW = { timeout: 120_000 };

test("dead-letters list groups by reason, show prints all details of one", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  assert.match((await deadLetters(place, mock, "list")).out, /^No dead letters$/m);
  const requests = await refuse(place, mock, 3);
  await refuse(place, mock, 2, "acme/eval");
  const { code, out } = await deadLetters(place, mock, "list");
  assert.equal(code, 0);
  // The numbers in the messages differ; the error is the same.
  assert.match(
    out,
    /^ *3 +refused +422 +feedback_create 3 +.* ago +acme\/chat +#1 +Row … of acme\/chat has no sense$/m,
  );
  assert.match(out, /^ *2 +refused +422 +feedback_create 2 .* acme\/eval +#4 /m);
  const groups = JSON.parse((await deadLetters(place, mock, "list", "--json")).out);
  assert.equal(groups.total, 5);
  assert.deepEqual(groups.groups.map(({ count }: { count: number }) => count), [3, 2]);

  const shown = await deadLetters(place, mock, "show", "2");
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^HTTP status +422$/m);
  assert.match(shown.out, /^message +Row 3 of acme\/chat has no sense$/m);
  assert.match(shown.out, /"weave_ref": "weave:\/\/\/acme\/chat\/call\/c1"/);
  const json = await deadLetters(place, mock, "show", "#2", "--json");
  assert.ok(json.out.endsWith(`"req":${requests[1]}}\n`), json.out);
  const missing = await deadLetters(place, mock, "show", "9");
  assert.equal(missing.code, 2);
  assert.match(missing.err, /Cannot find a dead letter: "9"/);
}, SLOW);

test("dead-letters export writes every byte, to a file readable only by its owner", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const requests = await refuse(place, mock, 2);
  const { code, out } = await deadLetters(place, mock, "export");
  assert.equal(code, 0);
  const lines = out.trim().split("\n");
  lines.forEach((line, index) => assert.ok(line.endsWith(`"req":${requests[index]}}`), line));
  const file = join(place.path, "dead_letters.jsonl");
  assert.equal((await deadLetters(place, mock, "export", "1", "--output", file)).code, 0);
  assert.equal(readFileSync(file, "utf8"), `${lines[0]}\n`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = await deadLetters(place, mock, "export", "--output", file);
  assert.equal(again.code, 2);
  assert.match(again.err, /exists already/);
}, SLOW);

test("dead-letters drop requires a selection and a confirmation", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 3);
  const aimless = await deadLetters(place, mock, "drop");
  assert.equal(aimless.code, 2);
  assert.match(aimless.err, /Cannot drop dead letters without a selection/);
  const unasked = await deadLetters(place, mock, "drop", "1");
  assert.equal(unasked.code, 2);
  assert.match(unasked.err, /--yes drops them without confirmation/);
  for (const choice of ["--status", "--reason", "--type"]) {
    // An unset variable of a script must not select all of them.
    const empty = await deadLetters(place, mock, "drop", choice, "", "--yes");
    assert.equal(empty.code, 2, empty.out);
    assert.match(empty.err, /"" has an empty value/);
  }
  assert.equal((await all(place, mock)).length, 3);
  const { code, out } = await deadLetters(place, mock, "drop", "2", "--yes");
  assert.equal(code, 0);
  assert.match(out, /Dropped 1 dead letter/);
  assert.deepEqual((await all(place, mock)).map(({ number }) => number), [1, 2]);
  assert.equal((await deadLetters(place, mock, "drop", "--status", "422", "--yes")).code, 0);
  assert.deepEqual(readdirSync(join(place.wal, NAME)), []);
}, SLOW);

test("dead-letters drop asks at a terminal, and only yes confirms", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 2);
  const drop = async (answer: string) => {
    const asking = startInTerminal(["dead-letters", "drop", "--all"], { cwd: place.path });
    await asking.sees("Permanently delete 2 dead letters? [y/N]");
    asking.type(answer);
    const { code, out } = await asking.ended;
    return { code, out: plain(out) };
  };
  assert.equal((await drop("\r")).code, 1);
  assert.equal((await drop(CTRL_C)).code, 130);
  assert.equal((await all(place, mock)).length, 2);
  const { code, out } = await drop("y\r");
  assert.equal(code, 0);
  assert.match(out, /Dropped 2 dead letters/);
  assert.deepEqual(await all(place, mock), []);
}, { ...SLOW, skip: noTerminal });

test("dead letters left by an interrupted retry are listed, and restored by verify", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 2);
  const directory = join(place.wal, NAME);
  const [name] = readdirSync(directory);
  mkdirSync(join(directory, ".retry"));
  renameSync(join(directory, name), join(directory, ".retry", name));
  assert.equal((await all(place, mock)).length, 2);
  const status = await cli(["status", "--fail-if-dead-letters"], { cwd: place.path });
  assert.equal(status.code, 1);
  const { code, out } = await cli(["verify", "--repair"], { cwd: place.path });
  assert.equal(code, 0, out);
  assert.match(out, /unfinished-retry .*; put back/);
  assert.deepEqual(readdirSync(directory), [name]);
  assert.equal((await all(place, mock)).length, 2);
}, SLOW);
