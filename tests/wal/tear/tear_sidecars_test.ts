import assert from "node:assert/strict";
import { CONFIRM_AFTER_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { ownIdentity } from "../../../src/wal/processes/process_identity.ts";
import type { Owner } from "../../../src/wal/processes/owner_file.ts";
import { presencePath } from "../../../src/wal/processes/presence_state.ts";
import { formatStem, parseStem, serverDigits } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import {
  bytesOf,
  LogWorld,
  PROJECT,
  SERVER,
  STEM,
  WAL,
  WRITER,
} from "../../support/wal/wal_fixture.ts";

const NAMES = ["a", "b", "c"];
const LINES = NAMES.map((object_id) => {
  const obj = { project_id: "team/project", object_id, val: "é" };
  return `${JSON.stringify({ type: "obj_create", req: { obj } })}\n`;
});
const LOG = LINES.join("");
const LENGTH = bytesOf(LINES[0]).length;
const SIZE = bytesOf(LOG).length;

/** Recovers the log with these sidecar files; returns which of its records were delivered. */
async function arrivals(files: Record<string, string>, world = new LogWorld()): Promise<string[]> {
  world.put(LOG);
  for (const [suffix, content] of Object.entries(files)) put(world, suffix, content);
  const result = await world.recover();
  assert.equal(result.done, true);
  assert.equal(result.deadLettered, 0);
  assert.deepEqual(world.names(), [], "nothing is left");
  return world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id);
}

function put(world: LogWorld, suffix: string, content: string): void {
  world.disk.put(`${PROJECT}/${STEM}.${suffix}`, content);
}

/** The owner file of a dead process. */
function deadOwner(world: LogWorld, changes: Partial<Owner> = {}): string {
  const writer = world.process();
  const identity = ownIdentity(writer.process);
  writer.kill();
  return JSON.stringify({ ...identity, server: SERVER, sender: true, closed: false, ...changes });
}

test("sidecars: a drain continues at a checkpoint at the start of a record", async () => {
  assert.deepEqual(await arrivals({ checkpoint: "0" }), ["a", "b", "c"]);
  assert.deepEqual(await arrivals({ checkpoint: String(LENGTH) }), ["b", "c"]);
  assert.deepEqual(await arrivals({ checkpoint: `${LENGTH * 2}\n` }), ["c"]);
  assert.deepEqual(await arrivals({ checkpoint: String(SIZE) }), []);
});

test("sidecars: an impossible checkpoint sends everything again", async () => {
  for (
    const checkpoint of [
      "",
      "\0\0\0\0",
      " ",
      "garbage",
      "-1",
      `-${LENGTH}`,
      "1e2",
      `${LENGTH}.5`,
      String(SIZE + 1),
      String(2 ** 53),
      "9".repeat(1_000),
      "NaN",
      `{"offset":${LENGTH}}`,
      `${LENGTH} ${LENGTH}`,
    ]
  ) {
    assert.deepEqual(await arrivals({ checkpoint }), NAMES, checkpoint);
  }
});

test("sidecars: a checkpoint inside a record sends everything again", async () => {
  for (let offset = 1; offset < SIZE; offset++) {
    const expected = offset % LENGTH === 0 ? NAMES.slice(offset / LENGTH) : NAMES;
    assert.deepEqual(await arrivals({ checkpoint: String(offset) }), expected, String(offset));
  }
});

test("sidecars: a checkpoint that is a directory or unreadable sends everything again", async () => {
  const world = new LogWorld();
  world.put(LOG);
  const runtime = world.process();
  runtime.files.makeDirectory(`${PROJECT}/${STEM}.checkpoint`);
  const result = await world.recover();
  assert.deepEqual([result.done, result.delivered], [true, 3]);
});

test("sidecars: a log without any of them is sent", async () => {
  assert.deepEqual(await arrivals({}), NAMES);
});

test("sidecars: each of them, and all together, are removed with the log", async () => {
  const suffixes = ["lock", "owner", "checkpoint", "claim.3"];
  for (
    const wanted of [...suffixes.map((suffix) => [suffix]), suffixes, [...suffixes, "claim.1"]]
  ) {
    const world = new LogWorld();
    const owner = deadOwner(world);
    const claim = JSON.stringify({ token: "t", ...JSON.parse(owner) });
    const contents: Record<string, string> = { lock: "999999", owner, checkpoint: "0" };
    const files = wanted.map((suffix) => [suffix, contents[suffix] ?? claim]);
    assert.deepEqual(await arrivals(Object.fromEntries(files), world), NAMES, wanted.join());
  }
});

test("sidecars: files that a kill left incomplete are removed with the log or after it", async () => {
  const world = new LogWorld();
  assert.deepEqual(
    await arrivals(
      { owner: deadOwner(world), "checkpoint.3f.tmp": "12", "owner.9a.tmp": "" },
      world,
    ),
    NAMES,
  );
});

test("sidecars: without their log they are cleared, dead letters are kept", async () => {
  const world = new LogWorld();
  for (const suffix of ["lock", "checkpoint", "checkpoint.1.tmp"]) put(world, suffix, "1");
  put(world, "owner", deadOwner(world));
  put(world, "claim.2", deadOwner(world));
  put(world, "deadletter", '{"type":"unreadable"}\n');
  put(world, "quarantine", "x");
  const result = await world.recover();
  assert.equal(result.done, true);
  assert.deepEqual(world.names(), [`${STEM}.deadletter`, `${STEM}.quarantine`]);
});

test("sidecars: without their log they stay while their writer is alive", async () => {
  const world = new LogWorld();
  const writer = world.process();
  const owner = { ...ownIdentity(writer.process), server: SERVER, sender: true, closed: false };
  put(world, "lock", String(writer.process.pid));
  put(world, "owner", JSON.stringify(owner));
  await world.recover();
  assert.deepEqual(world.names(), [`${STEM}.lock`, `${STEM}.owner`], "the log is about to come");
  writer.kill();
  await world.recover();
  assert.deepEqual(world.names(), []);
});

test("sidecars: an empty lock or claim is removed if it stays empty for a while", async () => {
  for (const suffix of ["lock", "claim.1"]) {
    const world = new LogWorld();
    put(world, suffix, "");
    if (suffix !== "lock") put(world, "owner", deadOwner(world));
    const before = world.names();
    await world.recover();
    assert.deepEqual(world.names(), before, "its maker may be about to fill it");
    await world.recoverFor(STALE_AFTER_MS + 5_000);
    assert.deepEqual(world.names(), []);
  }
});

test("sidecars: an empty claim on a log blocks it only for a while", async () => {
  const world = new LogWorld();
  world.put(LOG);
  put(world, "owner", deadOwner(world));
  put(world, "claim.1", "");
  await world.recover();
  assert.equal(world.server.taken.length, 0);
  await world.recoverFor(STALE_AFTER_MS + 5_000);
  assert.equal(world.server.taken.length, 3);
  assert.deepEqual(world.names(), []);
});

test("sidecars: the writer of a corrupt owner file is presumed dead after a while without a heartbeat", async () => {
  for (const owner of ["", "{", "null", "\0\0\0\0", '{"pid":"x"}']) {
    const world = new LogWorld();
    // Version 0.1 did not set the version digit of its tokens.
    const { stem } = formatStem(1n, WRITER.slice(0, -8) + serverDigits(SERVER));
    world.put(LOG, stem);
    world.disk.put(`${PROJECT}/${stem}.owner`, owner);
    world.disk.put(`${PROJECT}/${stem}.lock`, "7");
    await world.recoverFor(STALE_AFTER_MS + 5_000);
    assert.equal(world.server.taken.length, 3, owner);
    assert.deepEqual(world.names(), []);
  }
});

test("sidecars: a log for another server is ignored in all other states", async () => {
  const world = new LogWorld();
  world.put(LOG);
  put(world, "owner", deadOwner(world, { server: "http://other.test", closed: true }));
  const before = world.names();
  await world.recoverFor(STALE_AFTER_MS + 5_000);
  assert.deepEqual(world.names(), before);
  assert.equal(world.server.requests, 0);
});

test("sidecars: a process with a corrupt presence file is presumed dead after a while", async () => {
  for (const presence of ["", "{", "null", "\0\0\0\0", '{"pid":"x"}', null]) {
    const world = new LogWorld();
    const { stem, writer } = parseStem(world.ownStem)!;
    world.put(LOG + LINES[0].slice(0, 20), stem);
    world.disk.put(`${PROJECT}/${stem}.lock`, "7");
    if (presence !== null) world.disk.put(presencePath(WAL, writer), presence);
    await world.recoverFor(CONFIRM_AFTER_MS - 1_000);
    assert.equal(world.server.taken.length, 0, `${presence}: a running process writes it again`);
    await world.recoverFor(STALE_AFTER_MS + 5_000);
    assert.equal(world.server.taken.length, 3, String(presence));
    const kinds = world.names().map((name) => name.slice(name.indexOf(".")));
    assert.deepEqual(kinds, [".deadletter", ".fence", ".quarantine"]);
  }
});

test("sidecars: a Python log has only a lock, and waits until its writer has ended", async () => {
  const world = new LogWorld();
  const python = world.process();
  world.put(LOG + LINES[0].slice(0, 20));
  put(world, "lock", String(python.process.pid));
  const before = world.names();
  const result = await world.recover();
  assert.equal(result.done, true, "a running Python process sends its log itself");
  assert.equal(world.server.requests, 0);
  assert.deepEqual(world.names(), before);
  python.kill();
  const after = await world.recover();
  assert.equal(after.deadLettered, 1);
  assert.equal(world.server.taken.length, 3);
  assert.deepEqual(world.names(), [`${STEM}.deadletter`, `${STEM}.quarantine`]);
});
