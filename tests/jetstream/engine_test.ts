import assert from "node:assert/strict";
import type { EngineMessage, LogEngine } from "../../src/jetstream/engine.ts";
import { partitionFilter, recordSubject } from "../../src/jetstream/subjects.ts";
import { test } from "../harness.ts";
import { openTestEngine } from "../support/jetstream/engine_fixture.ts";
import { startNats, withoutNats } from "../support/jetstream/nats_server.ts";

const options = { skip: withoutNats };
const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = ({ payload }: EngineMessage) => new TextDecoder().decode(payload);

async function readAll(engine: LogEngine, filter: string, count: number, atOnce = 1e6) {
  const reader = engine.read(filter, 1);
  const found: EngineMessage[] = [];
  while (found.length < count) found.push(...await reader.next(atOnce));
  await reader.close();
  return found;
}

test(
  "engine: what was acknowledged is read in order, by partition, whatever the sizes",
  async () => {
    await using server = await startNats();
    await using engine = await openTestEngine(server.address, { partitions: 2 });
    const sizes = Array.from({ length: 300 }, (_, i) => i % 50 === 0 ? 200_000 : i % 7);
    await Promise.all(sizes.map((size, i) =>
      engine.publish(
        recordSubject("weave-wal", i % 2, "acme/a.b c*"),
        bytes(`${i}:${"x".repeat(size)}`),
        `m${i}`,
      )
    ));
    for (const partition of [0, 1]) {
      const found = await readAll(engine, partitionFilter("weave-wal", partition), 150, 50_000);
      assert.deepEqual(
        found.map((message) => Number(textOf(message).split(":")[0])),
        sizes.map((_, i) => i).filter((i) => i % 2 === partition),
      );
      assert.ok(found.every(({ time }) => Math.abs(time - Date.now()) < 600_000));
    }
  },
  options,
);

test(
  "engine: a reader waits for new messages, and continues after the last returned one",
  async () => {
    await using server = await startNats();
    await using engine = await openTestEngine(server.address, { partitions: 1 });
    const reader = engine.read(partitionFilter("weave-wal", 0), 1);
    const first = reader.next(1e6);
    const put = (text: string) =>
      engine.publish(recordSubject("weave-wal", 0, "a/b"), bytes(text), text);
    await put("one");
    assert.deepEqual((await first).map(textOf), ["one"]);
    await Promise.all(["two", "three", "four"].map(put));
    const rest: EngineMessage[] = [];
    while (rest.length < 3) rest.push(...await reader.next(1e6));
    assert.deepEqual(rest.map(textOf), ["two", "three", "four"]);
    const waiting = reader.next(1e6);
    await reader.close();
    assert.deepEqual(await waiting, []);
  },
  options,
);

test("engine: messages with the same ID are stored once, and removal frees space", async () => {
  await using server = await startNats();
  await using engine = await openTestEngine(server.address, { partitions: 2, maxBytes: 100_000 });
  const subject = (partition: number) => recordSubject("weave-wal", partition, "a/b");
  const [one, again] = [
    await engine.publish(subject(0), bytes("one"), "same"),
    await engine.publish(subject(0), bytes("one"), "same"),
  ];
  assert.equal(one, again);
  let count = 0;
  const fill = async () => {
    for (;; count++) await engine.publish(subject(1), new Uint8Array(10_000), `fill${count}`);
  };
  await assert.rejects(fill, { name: "EngineError", failure: "full" });
  assert.ok(count >= 8, `${count}`);
  const filling = await readAll(engine, partitionFilter("weave-wal", 1), count);
  const positions = filling.map(({ seq }) => seq);
  for (const position of [...positions, ...positions]) await engine.remove(position);
  assert.equal(await engine.first(partitionFilter("weave-wal", 1), 1), null);
  assert.equal((await engine.first(partitionFilter("weave-wal", 0), 1))?.seq, one);
  await engine.publish(subject(1), new Uint8Array(10_000), "again");
}, options);

test("engine: a key has one holder until it is removed or expires", async () => {
  await using server = await startNats();
  await using engine = await openTestEngine(server.address);
  const { leases } = engine;
  assert.equal(leases.ttlMs, 1_000);
  const revision = await leases.create("partition.0", "a");
  await assert.rejects(leases.create("partition.0", "b"), { failure: "conflict" });
  const next = await leases.update("partition.0", "a", revision);
  await assert.rejects(leases.update("partition.0", "b", revision), { failure: "conflict" });
  await leases.create("partition.1", "b");
  assert.deepEqual((await leases.keys("partition")).sort(), ["partition.0", "partition.1"]);
  await leases.remove("partition.0", next);
  await leases.create("partition.0", "c");
  const expired = async () => {
    for (;;) {
      try {
        return await leases.create("partition.1", "d");
      } catch (error) {
        assert.equal((error as { failure?: string }).failure, "conflict");
      }
    }
  };
  await expired();
}, options);
