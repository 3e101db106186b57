import assert from "node:assert/strict";
import { StreamLog } from "../../../src/jetstream/log/stream_log.ts";
import type { WriteRecord } from "../../../src/wal/log/record_log.ts";
import { test } from "../../harness.ts";
import { openTestEngine } from "../../support/jetstream/engine_fixture.ts";
import { startNats, withoutNats } from "../../support/jetstream/nats_server.ts";

const options = { skip: withoutNats };
const projectId = "acme/chat";

function start(id?: string): WriteRecord {
  return [
    "call_start",
    JSON.stringify({ start: { project_id: projectId, id, op_name: "answer" } }),
  ];
}

function update(id: string): WriteRecord {
  return ["call_update", JSON.stringify({ project_id: projectId, call_id: id, display_name: "a" })];
}

async function openLogs(partitions = 2) {
  const server = await startNats();
  const engine = await openTestEngine(server.address, { partitions });
  const stream = () => ({ engine, prefix: "weave-wal", partitions });
  let writers = 0;
  return {
    /** Writes as a process of its own. */
    write: (...records: WriteRecord[]) =>
      new StreamLog({ stream, projectId, writer: `w${writers++}` }).write(records),
    count: async () => (await engine.state()).messages,
    async [Symbol.asyncDispose]() {
      await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("message IDs: a call is stored whatever its ID is", async () => {
  await using logs = await openLogs();
  const ids = ["line\r\nNats-Expected-Last-Sequence: 5", "ü".repeat(100_000), "\u0000", " "];
  for (const id of ids) await logs.write(start(id));
  assert.equal(await logs.count(), ids.length);
}, options);

test(
  "message IDs: starts of calls with IDs are stored once, other records as often as they are written",
  async () => {
    await using logs = await openLogs();
    const expected = async (count: number, ...records: WriteRecord[]) => {
      const before = await logs.count();
      for (let times = 0; times < 2; times++) await logs.write(...records);
      assert.equal(await logs.count() - before, count, JSON.stringify(records));
    };
    await expected(1, start("a"));
    await expected(1, start("b"));
    await expected(2, update("a"));
    await expected(2, start("c"), update("c"));
    await expected(2, start());
  },
  options,
);

test(
  "message IDs: one start without an ID makes a message one that is stored each time",
  async () => {
    await using logs = await openLogs(1);
    for (let times = 0; times < 2; times++) await logs.write(start("a"), start());
    assert.equal(await logs.count(), 2);
  },
  options,
);
