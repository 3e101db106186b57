import assert from "node:assert/strict";
import { recordSubject } from "../../src/jetstream/subjects.ts";
import { test } from "../harness.ts";
import { startCli } from "../support/cli/cli_support.ts";
import { call, idOf, NAME } from "../support/jetstream/stream_calls.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import { feedback, openStreamFixture } from "../support/jetstream/stream_fixture.ts";

const options = { skip: withoutNats, timeout: 120_000 };
const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

test(
  "inspect --log shows records in order, byte for byte, and goes on where it ended",
  async () => {
    await using fixture = await openStreamFixture(4);
    const { run } = fixture;
    const records = Array.from({ length: 7 }, (_, i) => feedback(NAME, `f${i}`));
    for (const record of records) await fixture.write(NAME, [record]);
    await fixture.write("acme/eval", [feedback("acme/eval", "other")]);
    const shown = linesOf((await run("inspect", "--json", "--project", NAME)).out);
    assert.ok(shown.every((line, i) => line.endsWith(`"req":${records[i][1]}}`)), shown.join("\n"));
    const { offset, file, state } = JSON.parse(shown[4]);
    assert.deepEqual([file, state], ["LOG", "pending"]);
    const rest = await run("inspect", "--json", "--project", NAME, "--offset", `${offset}`);
    assert.deepEqual(linesOf(rest.out), shown.slice(4));
    const table = await run("inspect", "--limit", "3");
    assert.match(table.out, /^acme\/chat LOG 7 messages$/m);
    assert.match(table.out, /^Shown: 3; --limit 0 shows all$/m);
    const two = await run("inspect", "--offset", "1");
    assert.equal(two.code, 2);
    assert.match(two.err, /Cannot use --offset with 2 projects/);
    const path = await run("inspect", ".");
    assert.match(path.err, /Cannot use a path with --log/);
  },
  options,
);

test(
  "inspect --tree --log joins the calls of all partitions; --follow shows what comes",
  async () => {
    await using fixture = await openStreamFixture(4);
    const { run, log } = fixture;
    const calls = [
      call(idOf(1), { second: 1 }),
      call(idOf(2), { parent: idOf(1), second: 2 }),
      call(idOf(3), { parent: idOf(2), second: 3 }),
    ];
    await fixture.write(NAME, calls.flat());
    const { subjects } = await fixture.engine.state();
    assert.ok(subjects.size > 1, "the calls are in several partitions");
    const tree = await run("inspect", "--tree");
    assert.match(tree.out, /3 calls/);
    assert.match(tree.out, /op-1[^]*└─ op-2[^]*└─ op-3/);
    const one = linesOf((await run("inspect", "--json", "--call", idOf(2))).out);
    assert.deepEqual(one.map((line) => JSON.parse(line).type), ["call_start", "call_end"]);
    const args = ["inspect", "--follow", "--json", "--type", "feedback_create", "--log", log];
    const follow = startCli(args, fixture.surroundings);
    await fixture.write(NAME, [feedback(NAME, "first")]);
    await follow.sees('"first"');
    await fixture.write(NAME, [feedback(NAME, "second")]);
    await follow.sees('"second"');
    follow.kill("SIGTERM");
    assert.equal((await follow.ended).code, 143);
  },
  options,
);

test("inspect --log shows lines that are not records", async () => {
  await using fixture = await openStreamFixture(1);
  const text = new TextEncoder().encode(`{"type":"nonsense"\n{"half`);
  await fixture.engine.publish(recordSubject("weave-wal", 0, NAME), text, "one");
  const lines = linesOf((await fixture.run("inspect", "--json")).out);
  assert.equal(lines.length, 2);
  assert.ok(lines.every((line) => JSON.parse(line).corrupt !== undefined), lines.join("\n"));
}, options);
