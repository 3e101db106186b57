import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "../../harness.ts";
import { bytesOf, joined, LogWorld } from "../../support/wal/wal_fixture.ts";

const MiB = 1024 * 1024;

function objectLine(object_id: string, bytes = 0): Uint8Array<ArrayBuffer> {
  const obj = { project_id: "team/project", object_id, val: "x".repeat(bytes) };
  return bytesOf(`${JSON.stringify({ type: "obj_create", req: { obj } })}\n`);
}

/** Recovers a log of one large line between two small ones. */
async function recover(large: Uint8Array): Promise<LogWorld> {
  const world = new LogWorld();
  world.put(joined(objectLine("before"), large, objectLine("after")));
  const result = await world.recover();
  assert.equal(result.done, true);
  assert.equal(result.delivered + result.deadLettered, 3);
  const names = world.names().filter((name) => !/\.(deadletter|quarantine)$/.test(name));
  assert.deepEqual(names, []);
  return world;
}

function arrived(world: LogWorld): string[] {
  return world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id);
}

test("large lines: a record of 30 MB is delivered like any other", async () => {
  const world = await recover(objectLine("large", 30_000_000));
  assert.deepEqual(arrived(world).sort(), ["after", "before", "large"]);
  const { val } = world.server.taken.find(({ value }) =>
    (value.obj as { object_id: string }).object_id === "large"
  )!.value.obj as { val: string };
  assert.equal(val.length, 30_000_000);
});

test("large lines: a record over the server's limit is dead-lettered whole, as refused", async () => {
  const large = objectLine("large", 32 * MiB + 1_000);
  const world = await recover(large);
  assert.deepEqual(arrived(world), ["before", "after"]);
  const [deadLetter, ...more] = world.deadLetters();
  assert.equal(more.length, 0);
  assert.equal(deadLetter.error.reason, "refused");
  assert.equal(deadLetter.error.status, 413);
  const { req } = JSON.parse(new TextDecoder().decode(large));
  assert.equal(JSON.stringify(deadLetter.req) === JSON.stringify(req), true, "nothing is cut");
});

test("large lines: a record over 33 MiB is never read into memory, and is dead-lettered whole", async () => {
  const large = objectLine("large", 33 * MiB);
  const world = await recover(large);
  assert.deepEqual(arrived(world), ["before", "after"]);
  const [deadLetter] = world.deadLetters();
  assert.equal(deadLetter.error.reason, "oversize");
  assert.equal(deadLetter.error.length, large.length - 1);
  assert.equal(Buffer.compare(deadLetter.bytes!, large.subarray(0, -1)), 0, "nothing is cut");
});

test("large lines: 40 MB of garbage without an end are dead-lettered, and the log ends", async () => {
  const world = new LogWorld();
  world.put(joined(objectLine("before"), new Uint8Array(40_000_000).fill(120)));
  const result = await world.recover();
  assert.deepEqual([result.done, result.delivered, result.deadLettered], [true, 1, 1]);
  const [deadLetter] = world.deadLetters();
  assert.equal(deadLetter.error.reason, "oversize");
  assert.equal(deadLetter.bytes!.length, 40_000_000);
});

test("large lines: a call whose start and end are too large for one request is sent in two", async () => {
  const trace_id = "t", started_at = "2026-01-01T00:00:00Z";
  const call = { project_id: "team/project", id: "a", trace_id, started_at };
  const text = "x".repeat(17 * MiB);
  const start = { ...call, op_name: "o", attributes: {}, inputs: { text } };
  const end = { ...call, ended_at: started_at, output: text, summary: {} };
  for (const useCallsComplete of [true, false]) {
    const world = new LogWorld();
    world.put(
      `{"type":"call_start","req":${JSON.stringify({ start })}}\n` +
        `{"type":"call_end","req":${JSON.stringify({ end })}}\n`,
    );
    const result = await world.recover({ useCallsComplete });
    assert.deepEqual([result.delivered, result.deadLettered], [2, 0]);
    assert.deepEqual(world.server.taken.map(({ kind }) => kind), ["call_start", "call_end"]);
  }
});
