import assert from "node:assert/strict";
import { DiscardPolicy } from "@nats-io/jetstream";
import type { Context } from "../../src/cli/context.ts";
import { StreamVerifier } from "../../src/cli/jetstream/stream_verifier.ts";
import { Findings } from "../../src/cli/verify/findings.ts";
import type { MessageStore } from "../../src/jetstream/message_store.ts";
import { parseLogAddress } from "../../src/jetstream/nats/connect.ts";
import { openStores } from "../../src/jetstream/nats/open_stores.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { recordSubject } from "../../src/jetstream/subjects.ts";
import { test } from "../harness.ts";
import { cli } from "../support/cli/cli.ts";
import { startCli, temporary } from "../support/cli/cli_support.ts";
import { administrate } from "../support/jetstream/administrate.ts";
import { openTestEngine } from "../support/jetstream/engine_fixture.ts";
import { startCluster } from "../support/jetstream/nats_cluster.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import {
  feedback,
  openStreamFixture,
  type StreamFixture,
} from "../support/jetstream/stream_fixture.ts";

const options = { skip: withoutNats, timeout: 120_000 };
const NAME = "acme/chat";
const encoder = new TextEncoder();

interface Problem {
  readonly kind: string;
  readonly entity: string | null;
  readonly file: string;
  readonly offset?: number;
  readonly message: string;
}

async function verify({ run }: Pick<StreamFixture, "run">, ...args: string[]) {
  const { code, out, err } = await run("verify", "--json", ...args);
  assert.ok(code === 0 || code === 1, `${out}${err}`);
  const { problems, ...counts } = JSON.parse(out) as
    & { readonly problems: Problem[] }
    & Record<"path" | "files" | "records" | "total", unknown>;
  return { code, problems, ...counts };
}

test("verify --log reports no problem in a valid stream, while a sender works on it", async () => {
  await using fixture = await openStreamFixture(4);
  const { run, mock, log } = fixture;
  const refuse = mock.faults.add({ path: /feedback/, status: 422, body: { reason: "No" } });
  await fixture.write(NAME, [feedback(NAME, "a"), feedback(NAME, "b")]);
  const args = ["flush", "--follow", "--json", "--log", log];
  const sender = startCli(args, fixture.surroundings);
  await sender.sees("dead-letter");
  refuse.remove();
  mock.faults.add({ path: /feedback/, status: 503 });
  await fixture.write("acme/a.b c*", [feedback("acme/a.b c*", "c")]);
  const found = await verify(fixture);
  assert.deepEqual(found.problems, []);
  assert.deepEqual([found.code, found.path, found.files, found.total], [0, log, 4, 0]);
  const { out } = await run("verify", "--project", NAME);
  assert.match(out, /^Read 4 partitions, 0 valid records, 0 B: no problems$/m);
  sender.kill("SIGKILL");
  await sender.ended;
}, options);

test("verify --log reports corrupt records by their position, and changes nothing", async () => {
  await using fixture = await openStreamFixture(1);
  const { run, engine } = fixture;
  await fixture.write(NAME, [feedback(NAME, "a")]);
  const subject = recordSubject("weave-wal", 0, NAME);
  const [, request] = feedback(NAME, "b");
  const sound = `{"type":"feedback_create","req":${request}}\n`;
  await engine.publish(subject, encoder.encode(`${sound}{"type":"nonsense"}\n${sound}`), "1");
  await engine.publish(subject, encoder.encode(`${sound}{"type":"call_start","req":{"st`), "2");
  await engine.publish("weave-wal.0.acme", encoder.encode(sound), "3");
  const before = await engine.state();
  const found = await verify(fixture);
  assert.deepEqual([found.code, found.records, found.total], [1, 4, 3]);
  assert.deepEqual(
    found.problems.map(({ kind, entity, file, offset }) => [kind, entity, file, offset]),
    [
      ["corrupt", "acme", "LOG", 2],
      ["torn", "acme", "LOG", 3],
      ["foreign", null, "LOG", 4],
    ],
  );
  const table = await run("verify");
  assert.equal(table.code, 1);
  assert.match(table.out, /^acme\/chat +LOG +2 +corrupt +Line is not a valid record \(19 B\)$/m);
  assert.match(table.out, /^weave-wal flush --log nats:\S+ dead-letters bad records and sends/m);
  assert.equal((await verify(fixture, "--project", "other")).problems.length, 1);
  assert.deepEqual(await engine.state(), before);
}, options);

test("verify --log reports dead letters, leases and senders that cannot be read", async () => {
  await using fixture = await openStreamFixture(2);
  const { engine } = fixture;
  const dead = "weave-wal-dead.1.7.0.acme.chat";
  await engine.publish(dead, encoder.encode('{"type":"feedback'), "1");
  await engine.publish(dead.replace(".7.", ".8."), encoder.encode('{"type":"nonsense"}\n'), "2");
  const whole = `{"type":"unreadable","error":{"reason":"corrupt"},"bytes":"AAAA"}\n`;
  await engine.publish(dead.replace(".7.", ".9."), encoder.encode(whole), "3");
  await engine.publish("weave-wal-dead.half", encoder.encode(whole), "4");
  await engine.leases.create("partition.0", "");
  await engine.leases.create("partition.1", "a-token");
  await engine.leases.create("partition.2", "a-token");
  await engine.leases.create("sender.one", "{}");
  const { problems, code, total } = await verify(fixture);
  assert.deepEqual([code, total], [1, 5]);
  assert.deepEqual(problems.map(({ kind, file, message }) => `${kind} ${file} ${message}`), [
    "dead-letter LOG_DEAD Not a dead letter: not a JSON object; weave-wal dead-letters drop 1-7:0 removes it",
    "dead-letter LOG_DEAD Not a dead letter: it has no record; weave-wal dead-letters drop 1-8:0 removes it",
    "foreign LOG_DEAD Subject weave-wal-dead.half is not that of a dead letter",
    "key KV_LOG_LEASES The lease partition.0 has no holder; it must expire or be deleted",
    "foreign KV_LOG_LEASES Not a key of a log: partition.2",
    "key KV_LOG_LEASES The status of sender.one cannot be read",
  ]);
}, options);

test("verify --log reports settings with which records are lost, and missing streams", async () => {
  await using fixture = await openStreamFixture(1);
  const { run, server: { address } } = fixture;
  await administrate(address, async ({ streams }) => {
    await streams.update("LOG", { max_age: 3_600e9, max_msgs_per_subject: 5 });
    await streams.update("LOG_DEAD", { discard: DiscardPolicy.Old });
    await streams.delete("KV_LOG_LEASES");
  });
  const { problems, code } = await verify(fixture);
  assert.equal(code, 1);
  assert.deepEqual(problems.map(({ kind, file, message }) => `${kind} ${file} ${message}`), [
    "settings LOG Setting max_age is 3600000000000: messages are removed before they are sent",
    "settings LOG Setting max_msgs_per_subject is 5: old records of a project are removed",
    "settings LOG_DEAD Setting discard is old: a full stream drops dead letters instead of refusing new ones",
    "missing KV_LOG_LEASES The stream does not exist; the next relay or sender creates it",
  ]);
  const { out } = await run("verify");
  assert.match(out, /^nats stream edit changes the settings of a stream$/m);
}, options);

test("verify --log reports messages that the servers count but do not return", async () => {
  await using fixture = await openStreamFixture(1);
  for (const id of ["a", "b", "c"]) await fixture.write(NAME, [feedback(NAME, id)]);
  const runtime = detectRuntime();
  const stores = await openStores(runtime, parseLogAddress(fixture.log));
  const { records } = stores;
  const lossy: MessageStore = {
    name: records.name,
    state: (filter) => records.state(filter),
    first: (filter, from) => records.first(filter, from),
    replace: (seq, subject, payload) => records.replace(seq, subject, payload),
    remove: (seq) => records.remove(seq),
    async *read(filter, range) {
      for await (const message of records.read(filter, range)) {
        // One is lost, one is written meanwhile.
        if (message.seq !== 2) yield message;
        else await fixture.write(NAME, [feedback(NAME, "d")]);
      }
    },
  };
  const verified = async (own: MessageStore) => {
    const findings = new Findings();
    const scope = { path: undefined, filter: {}, repair: false };
    const faulty = { ...stores, records: own };
    const verifier = await StreamVerifier.open(runtime.clock, faulty, fixture.log, scope);
    const context = { runtime, stop: new AbortController().signal } as Context;
    await verifier.verify({ context, findings, repair: false, token: "", onBytes: () => {} });
    return findings.list.map(({ kind, message }) => `${kind} ${message}`);
  };
  try {
    const lost = "missing Messages that the servers count but do not return: 1";
    assert.deepEqual(await verified(lossy), [lost]);
    assert.deepEqual(await verified(records), []);
  } finally {
    await stores.close();
  }
}, options);

test("a subject that is not of a log is reported, and stops no command", async () => {
  await using fixture = await openStreamFixture(1);
  const { run, engine } = fixture;
  const [, request] = feedback(NAME, "a");
  const line = encoder.encode(`{"type":"feedback_create","req":${request}}\n`);
  await engine.publish("weave-wal.0.acme.%zz", line, "1");
  await engine.publish("weave-wal-dead.0.1.0.acme.%zz", line, "2");
  const { problems } = await verify(fixture);
  assert.deepEqual(problems.map(({ kind, file }) => `${kind} ${file}`), [
    "foreign LOG",
    "foreign LOG_DEAD",
  ]);
  for (const args of [["status"], ["inspect"], ["dead-letters", "list"], ["flush"]]) {
    const { code, out, err } = await run(...args);
    assert.equal(code, 0, `${args}: ${out}${err}`);
  }
}, options);

test("verify --log refuses options of directories, and other servers", async () => {
  await using fixture = await openStreamFixture(1);
  const { run } = fixture;
  const refused = async (...args: string[]) => {
    const { code, err } = await run(...args);
    assert.equal(code, 2, err);
    return err;
  };
  assert.match(
    await refused("verify", "--repair"),
    /Cannot use --repair with --log\n.*flush --log/,
  );
  assert.match(await refused("verify", "."), /Cannot use a path with --log/);
  assert.match(await refused("verify", "--dir", "x"), /Cannot use --dir with --log/);
  const other = await refused("verify", "--server", "http://other");
  assert.match(other, /Cannot verify records for http:\/\/other/);
}, options);

test(
  "verify --log reports replicas that are too few, or do not respond; a relay raises them",
  async () => {
    await using cluster = await startCluster();
    // The nodes elect the leader that creates streams.
    const open = async (replicas?: number): Promise<void> => {
      const engine = await openTestEngine(cluster.address, { replicas }, "LOG").catch(() => null);
      await (engine === null ? open(replicas) : engine.close());
    };
    await open(1);
    await administrate(
      cluster.address,
      ({ streams }) => streams.update("LOG", { num_replicas: 3 }),
    );
    await cluster.isCurrent("LOG");
    const log = `nats://${cluster.address}/LOG`;
    await using place = await temporary();
    const run = (...args: string[]) => cli([...args, "--log", log], { cwd: place.path });
    const few = await verify({ run });
    assert.deepEqual(few.problems.map(({ kind, file }) => [kind, file]), [
      ["settings", "LOG_DEAD"],
      ["settings", "KV_LOG_LEASES"],
    ]);
    await open();
    for (const stream of ["LOG_DEAD", "KV_LOG_LEASES"]) await cluster.isCurrent(stream);
    assert.deepEqual((await verify({ run })).problems, []);
    const leaders = await Promise.all(
      ["LOG", "LOG_DEAD", "KV_LOG_LEASES"].map((stream) => cluster.leader(stream)),
    );
    const idle = cluster.nodes.find((node) => !leaders.includes(node)) ?? cluster.nodes[0];
    await idle.kill();
    // The others notice it after a while; until then, they may not answer.
    let found = await run("verify");
    while (!found.out.includes("does not respond")) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      found = await run("verify");
    }
    assert.equal(found.code, 1);
    assert.match(found.out, new RegExp(`replica +The replica on ${idle.name} does not respond`));
  },
  { ...options, timeout: 180_000 },
);
