import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { DiscardPolicy } from "@nats-io/jetstream";
import { join } from "@std/path";
import { keepDeadLetters } from "../../../src/jetstream/dead_letters/dead_letter_writer.ts";
import { recordSubject } from "../../../src/jetstream/subjects.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { test } from "../../harness.ts";
import { cli } from "../../support/cli/cli.ts";
import { administrate } from "../../support/jetstream/administrate.ts";
import { openTestEngine } from "../../support/jetstream/engine_fixture.ts";
import { NAME } from "../../support/jetstream/stream_calls.ts";
import { withoutNats } from "../../support/jetstream/nats_server.ts";
import { feedback, openStreamFixture, refuse } from "../../support/jetstream/stream_fixture.ts";

const options = { skip: withoutNats, timeout: 120_000 };

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

test("dead-letters --log lists, shows and exports those of a stream", async () => {
  await using fixture = await openStreamFixture();
  const { run } = fixture;
  assert.match((await run("dead-letters", "list")).out, /^No dead letters$/m);
  const requests = await refuse(fixture, NAME, 3);
  await refuse(fixture, "acme/a.b c*", 1);
  const { out, code } = await run("dead-letters", "list");
  assert.equal(code, 0);
  assert.match(out, /^ *4 +refused +422 +feedback_create 4 +.* 2 projects +#1 +No sense$/m);
  const all = linesOf((await run("dead-letters", "list", "--all", "--json")).out)
    .map((line) => JSON.parse(line));
  assert.deepEqual(all.map(({ number }) => number), [1, 2, 3, 4]);
  assert.deepEqual(all.map(({ entity, project, file }) => [entity, project, file])[3], [
    "acme",
    "a.b c*",
    "LOG_DEAD",
  ]);
  const only = await run("dead-letters", "list", "--json", "--project", "acme/a.b c*");
  assert.equal(JSON.parse(only.out).total, 1);
  const shown = await run("dead-letters", "show", all[1].id);
  assert.match(shown.out, /^HTTP status +422$/m);
  assert.match(shown.out, /"project_id": "acme\/chat"/);
  const file = join(fixture.surroundings.cwd, "bad.jsonl");
  assert.equal((await run("dead-letters", "export", "1", "2", "--output", file)).code, 0);
  const exported = linesOf(await readFile(file, "utf8"));
  assert.equal(exported.length, 2);
  assert.ok(
    exported.every((line, i) => line.endsWith(`"req":${requests[i]}}`)),
    exported.join("\n"),
  );
  const missing = await run("dead-letters", "show", "0-999:0");
  assert.equal(missing.code, 2);
  assert.match(missing.err, /Cannot find a dead letter: "0-999:0"/);
}, options);

test("dead-letters --log retry sends the same bytes, and keeps those that fail again", async () => {
  await using fixture = await openStreamFixture();
  const { run, mock } = fixture;
  const requests = await refuse(fixture, NAME, 4);
  const poison = mock.faults.add({
    bodyHas: `"${NAME}-2"`,
    status: 400,
    body: { reason: "Still" },
  });
  mock.journal.clear();
  const tried = await run("dead-letters", "retry", "--json");
  const { delivered, refused } = JSON.parse(tried.out);
  assert.deepEqual([tried.code, delivered, refused], [1, 3, 1]);
  const bodies = mock.journal.entries.map(({ body }) => body ?? "").join("\n");
  for (const request of requests) assert.ok(bodies.includes(request));
  assert.equal(mock.store.feedback(NAME).length, 3);
  const left = linesOf((await run("dead-letters", "list", "--all", "--json")).out);
  const { error, id } = JSON.parse(left[0]);
  assert.equal(left.length, 1);
  assert.deepEqual([error.status, error.message, error.retries], [400, "Still", 1]);
  poison.remove();
  const again = await run("dead-letters", "retry", id);
  assert.match(again.out, /^Delivered 1 of 1 dead letter$/m);
  assert.equal(mock.store.feedback(NAME).length, 4);
  assert.match((await run("dead-letters", "list")).out, /^No dead letters$/m);
}, options);

test("dead-letters --log drop does not drop dead letters held by another process", async () => {
  await using fixture = await openStreamFixture();
  const { run, engine: { leases } } = fixture;
  await refuse(fixture, NAME, 3);
  let revision = await leases.create("dead-letters", "another process");
  let ended = false;
  const holding = (async () => {
    while (!ended) {
      revision = await leases.update("dead-letters", "another process", revision);
      await new Promise((resolve) => setTimeout(resolve, leases.ttlMs / 10));
    }
    await leases.remove("dead-letters", revision);
  })();
  const held = await run("dead-letters", "drop", "--all", "--yes");
  ended = true;
  await holding;
  assert.equal(held.code, 1);
  assert.match(held.err, /Another process holds the dead letters of LOG_DEAD/);
  await refuse(fixture, "acme/eval", 2);
  const dropped = await run("dead-letters", "drop", "--project", "acme/eval", "--all", "--yes");
  assert.match(dropped.out, /^Dropped 2 dead letters$/m);
  assert.equal(JSON.parse((await run("dead-letters", "list", "--json")).out).total, 3);
}, options);

test(
  "dead-letters --log: bytes that are not a record are kept whole, in parts that fit",
  async () => {
    await using fixture = await openStreamFixture();
    const { engine, run } = fixture;
    const line = new Uint8Array(900_000).map((_, i) => 32 + i % 90);
    const message = {
      subject: recordSubject("weave-wal", 1, NAME),
      seq: 7,
      time: 0,
      payload: line,
    };
    const deadLetter = { reason: "corrupt" as const, offset: 0, length: line.length };
    const { clock } = detectRuntime();
    await keepDeadLetters({ engine, clock, prefix: "weave-wal", partition: 1 }, [
      { deadLetter, line, message, offset: 0 },
    ]);
    const parts = linesOf((await run("dead-letters", "export")).out).map((text) =>
      JSON.parse(text)
    );
    assert.deepEqual(parts.map(({ id, type }) => [id, type]), [
      ["1-7:0", "unreadable"],
      ["1-7:524288", "unreadable"],
    ]);
    assert.equal(
      parts.map(({ base64 }) => atob(base64)).join(""),
      String.fromCharCode(...line.subarray(0, 90)).repeat(10_000),
    );
    const retried = await run("dead-letters", "retry", "1-7:0");
    assert.equal(retried.code, 1);
    assert.match(retried.out, /Not sent, not valid records: 1/);
  },
  options,
);

test("dead-letters --log creates no log, and reports what is missing", async () => {
  await using fixture = await openStreamFixture();
  const { server, surroundings } = fixture;
  const other = ["dead-letters", "list", "--log", `nats://${server.address}/OTHER`];
  for (let i = 0; i < 2; i++) {
    const { code, err } = await cli(other, surroundings);
    assert.equal(code, 2);
    assert.match(err, /Cannot find a log at nats:.*OTHER: there is no stream OTHER/);
  }
  const both = await fixture.run("dead-letters", "list", "--dir", ".");
  assert.equal(both.code, 2);
  assert.match(both.err, /Cannot use --dir with --log/);
  await server.kill();
  const away = await fixture.run("dead-letters", "list");
  assert.equal(away.code, 3);
  assert.match(away.err, /Cannot use the log: Cannot connect to/);
}, options);

test(
  "dead letters that do not fit into their stream wait until they do; none is dropped",
  async () => {
    await using fixture = await openStreamFixture(1);
    const { engine, mock, run, server } = fixture;
    await administrate(
      server.address,
      ({ streams }) => streams.update("LOG_DEAD", { max_bytes: 1_000 }),
    );
    const records = Array.from({ length: 5 }, (_, i) => feedback(NAME, `f${i}`));
    await fixture.write(NAME, records);
    mock.faults.add({ path: /feedback/, status: 422, body: { reason: "No sense" } });
    const full = await run("flush", "--timeout", "2s");
    assert.equal(full.code, 1);
    assert.match(full.err, /The stream of dead letters is full, their records wait/);
    assert.match(full.out, /Still in the stream: 1 message/);
    const { total } = JSON.parse((await run("dead-letters", "list", "--json")).out);
    assert.ok(total > 0 && total < records.length, `${total}`);
    assert.equal((await engine.state()).messages, 1, "the records stay in the stream");
    const settings = { server: mock.url, deadLetterBytes: 1_000_000 };
    await (await openTestEngine(server.address, settings, "LOG")).close();
    const rest = await run("flush");
    assert.match(rest.out, /5 records rejected, kept as dead letters/);
    const all = linesOf((await run("dead-letters", "export")).out);
    assert.equal(all.length, records.length);
    assert.ok(records.every(([, request]) => all.some((line) => line.includes(request))));
    assert.equal((await engine.state()).messages, 0);
  },
  options,
);

test(
  "a limited stream of dead letters refuses new ones, even if it dropped old ones before",
  async () => {
    await using fixture = await openStreamFixture(1);
    const { run, server: { address } } = fixture;
    await administrate(
      address,
      ({ streams }) => streams.update("LOG_DEAD", { discard: DiscardPolicy.Old, max_bytes: -1 }),
    );
    await (await openTestEngine(address, { deadLetterBytes: 100_000 }, "LOG")).close();
    assert.deepEqual(JSON.parse((await run("verify", "--json")).out).problems, []);
  },
  options,
);

/** Limits the stream of dead letters to its size. */
function fill(address: string): Promise<unknown> {
  return administrate(address, async ({ streams }) => {
    const { state: { bytes } } = await streams.info("LOG_DEAD");
    return await streams.update("LOG_DEAD", { max_bytes: bytes });
  });
}

test("dead letters that fail again stay in a full stream, and none is dropped", async () => {
  await using fixture = await openStreamFixture(1);
  const { mock, run, server: { address } } = fixture;
  await refuse(fixture, NAME, 4);
  await fill(address);
  const body = { reason: "A reason that is longer than the earlier one" };
  const fault = mock.faults.add({ path: /feedback/, status: 422, body });
  const again = await run("dead-letters", "retry", "--json");
  assert.equal(again.code, 1, again.err);
  const { delivered, refused } = JSON.parse(again.out);
  assert.deepEqual([delivered, refused], [0, 4]);
  assert.equal(linesOf((await run("dead-letters", "export")).out).length, 4);
  fault.remove();
  const tried = await run("dead-letters", "retry", "--json");
  assert.equal(JSON.parse(tried.out).delivered, 4, tried.err);
}, options);

test("a dead letter that a full stream has already is not stored again", async () => {
  await using fixture = await openStreamFixture(1);
  const { engine, server: { address } } = fixture;
  const subjects = [1, 2, 3].map((n) => `weave-wal-dead.0.${n}.0.acme.chat`);
  // With other IDs, as after the time in which servers know those of messages.
  for (const one of subjects) await engine.publish(one, new Uint8Array(100), `old ${one}`);
  await fill(address);
  await engine.keepDeadLetter(subjects[1], new Uint8Array(120));
  const next = engine.keepDeadLetter("weave-wal-dead.0.4.0.acme.chat", new Uint8Array(100));
  await assert.rejects(next, { failure: "full" });
  const { state } = await administrate(address, ({ streams }) => streams.info("LOG_DEAD"));
  assert.deepEqual([state.messages, state.first_seq], [3, 1]);
}, options);
