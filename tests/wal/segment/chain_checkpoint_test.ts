import assert from "node:assert/strict";
import { CHECKPOINT_MS } from "../../../src/wal/segment/checkpoint.ts";
import { SegmentChain } from "../../../src/wal/segment/chain/segment_chain.ts";
import { test } from "../../harness.ts";
import { chainScene, textIn, textOf } from "../../support/wal/chain_fixture.ts";
import { bytesOf } from "../../support/wal/wal_fixture.ts";

test("segment chain: each segment continues at its own checkpoint", async () => {
  const { open } = chainScene(
    { ".jsonl": "a1\na2\n", ".checkpoint": "3" },
    { ".jsonl": "b1\nb2\n", ".checkpoint": "6" },
    { ".jsonl": "c1\nc2\n", ".checkpoint": "2" },
    { ".jsonl": "d1\n", ".checkpoint": "9" },
  );
  const text = "a2\n\n\nc1\nc2\n\nd1\n\n";
  assert.equal(await textOf(await open()), text, "a checkpoint inside a record starts over");
});

test("segment chain: the checkpoint is that of the partially delivered segment", async () => {
  const { open, runtime, segments, clock } = chainScene(
    "a1\na2\n",
    { ".jsonl": "b1\nb2\nb3\n", ".checkpoint": "3" },
    "c1\n",
  );
  const chain = await open();
  chain.acknowledge(3);
  assert.equal(textIn(runtime, segments[0], ".checkpoint"), "3");
  chain.acknowledge(10);
  await clock.elapse(CHECKPOINT_MS);
  await chain.settled();
  assert.equal(textIn(runtime, segments[0], ".jsonl"), null);
  assert.equal(textIn(runtime, segments[0], ".checkpoint"), null);
  assert.equal(textIn(runtime, segments[1], ".checkpoint"), "6", "by its own offsets");
  assert.equal(textIn(runtime, segments[2], ".checkpoint"), null);
  chain.release();
  assert.equal(await textOf(await open()), "b3\n\nc1\n\n");
});

test("segment chain: checkpoints come at an interval, and a last one at the release", async () => {
  const { open, runtime, segments } = chainScene("a1\na2\na3\n");
  const chain = await open();
  chain.acknowledge(3);
  chain.acknowledge(6);
  assert.equal(textIn(runtime, segments[0], ".checkpoint"), "3");
  chain.release();
  assert.equal(textIn(runtime, segments[0], ".checkpoint"), "6");
});

test("segment chain: a segment is removed with its sidecars when all of it is delivered", async () => {
  const sidecars = { ".lock": "1", ".owner": "{}", ".claim.1": "{}", ".fence": "" };
  const { open, world, segments } = chainScene(
    { ".jsonl": "a\n", ".checkpoint": "0", ".deadletter": "", ".quarantine": "q", ...sidecars },
    "b\n",
  );
  const chain = await open();
  chain.acknowledge(2);
  await chain.settled();
  assert.ok(world.names().includes(`${segments[0].stem}.jsonl`), "its end is not acknowledged");
  chain.acknowledge(3);
  await chain.settled();
  const [first, second] = segments.map(({ stem }) => stem);
  const kept = [`${first}.deadletter`, `${first}.quarantine`];
  assert.deepEqual(world.names(), [...kept, `${second}.jsonl`].sort());
  chain.complete();
  await chain.settled();
  assert.deepEqual(world.names(), kept);
});

test("segment chain: its data is removed before its sidecars", async () => {
  const { open, runtime } = chainScene({ ".jsonl": "a\n", ".lock": "1", ".checkpoint": "0" });
  const removed: string[] = [];
  const chain = await open();
  runtime.fault = ({ kind, path }) => {
    if (kind === "remove") removed.push(path.slice(path.lastIndexOf(".")));
    return undefined;
  };
  chain.complete();
  await chain.settled();
  assert.equal(removed[0], ".jsonl");
  assert.deepEqual(removed.slice(1).sort(), [".checkpoint", ".lock"]);
});

test("segment chain: when the lease is lost nothing is removed, moved or dead-lettered", async () => {
  const { open, world, guard } = chainScene("a1\na2\n", "b1\n");
  const chain = await open();
  const before = world.names();
  guard.held = false;
  const lost = { code: "ERR_LEASE_LOST" };
  assert.throws(() => chain.assertHeld(), lost);
  assert.throws(() => chain.acknowledge(3), lost);
  await assert.rejects(chain.deadLetterLines([{ reason: "refused", offset: 0, length: 2 }]), lost);
  chain.complete();
  await assert.rejects(chain.settled(), lost, "all is delivered, and nothing may be removed");
  chain.release();
  assert.deepEqual(world.names(), before);
});

test("segment chain: a lease that is lost before a removal stops it, and is reported", async () => {
  const { open, world, guard } = chainScene("a\n", "b\n");
  const chain = await open();
  chain.acknowledge(3);
  guard.held = false;
  await assert.rejects(chain.settled(), { code: "ERR_LEASE_LOST" });
  assert.equal(world.names().length, 2);
});

test("segment chain: a lease that is lost while lines are dead-lettered is reported", async () => {
  const { open, guard, runtime } = chainScene("a\n");
  const chain = await open();
  runtime.fault = ({ kind }) => {
    if (kind === "sync") guard.held = false;
    return undefined;
  };
  const deadLetters = [{ reason: "refused", offset: 0, length: 1, line: bytesOf("a") }] as const;
  await assert.rejects(chain.deadLetterLines(deadLetters), { code: "ERR_LEASE_LOST" });
});

test("segment chain: a file that cannot be removed is reported, and the others are removed", async () => {
  const { open, world, runtime, segments } = chainScene("a\n", "b\n", "c\n");
  const chain = await open();
  runtime.fault = ({ kind, path }) =>
    kind === "remove" && path.includes(segments[0].stem) ? { code: "EACCES" } : undefined;
  chain.acknowledge(6);
  await assert.rejects(chain.settled(), { code: "EACCES" });
  chain.acknowledge(7);
  chain.complete();
  await chain.settled();
  const { stem } = segments[0];
  assert.deepEqual(world.names(), [`${stem}.checkpoint`, `${stem}.jsonl`]);
  assert.equal(textIn(runtime, segments[0], ".checkpoint"), "2", "it is not sent again");
});

test("segment chain: dead letters lie beside their own segments, at their own offsets", async () => {
  const { open, world, segments } = chainScene(
    "good\nbad1\n",
    { ".jsonl": "done\ngood\nbad2\nbad3", ".checkpoint": "5" },
  );
  const chain = await open();
  const text = await textOf(chain);
  const deadLetters = ["bad1", "bad2", "bad3"].map((line) => ({
    reason: "corrupt" as const,
    offset: text.indexOf(line),
    length: 4,
    line: bytesOf(line),
  }));
  await chain.deadLetterLines(deadLetters);
  const reasons = segments.map(({ stem }) =>
    world.deadLetters(stem).map(({ error, bytes }) => [
      error.reason,
      error.offset,
      new TextDecoder().decode(bytes),
    ])
  );
  assert.deepEqual(reasons, [
    [["corrupt", 5, "bad1"]],
    [["corrupt", 10, "bad2"], ["torn", 15, "bad3"]],
  ], "a corrupt last line is one that its writer did not finish");
  const again = await SegmentChain.open(
    { runtime: world.process(), guard: { assertHeld() {}, ensureHeld() {} }, onError: assert.fail },
    segments.map((segment) => ({
      ...segment,
      suffixes: new Set([...segment.suffixes, ".deadletter"]),
    })),
  );
  for (const { offset } of deadLetters) assert.ok(again.settledLines.has(offset));
  assert.equal(again.settledLines.size, deadLetters.length);
});

test("segment chain: its start time is that of the segment delivered next", async () => {
  const { open, segments } = chainScene("a\n", "b\n");
  const chain = await open();
  const begun = chain.begun;
  chain.acknowledge(3);
  assert.ok(chain.begun >= begun);
  assert.equal(chain.isSealed(), true);
  assert.equal(chain.live, false);
  assert.equal(segments.length, chain.count);
  await chain.settled();
});

for (const [size, checkpoint] of [[2, null], [3, "3"], [7, "6"]] as const) {
  test(`segment chain: bytes read before an error (${size} bytes) are not sent again`, async () => {
    const { open, runtime, segments } = chainScene("a1\na2\na3\n", "b\n");
    const chain = await open();
    assert.equal(await chain.read(0, new Uint8Array(size)), size);
    runtime.fault = ({ kind, path }) =>
      kind === "read" && path.includes(segments[0].stem) ? { code: "EIO" } : undefined;
    await chain.read(size, new Uint8Array(chain.end() - size));
    chain.acknowledge(chain.end() - 1);
    runtime.fault = undefined;
    assert.equal(textIn(runtime, segments[0], ".checkpoint"), checkpoint);
    assert.deepEqual(chain.unreadable.map(({ stem }) => stem), [segments[0].stem]);
    chain.release();
    assert.equal(textIn(runtime, segments[0], ".jsonl"), "a1\na2\na3\n", "it stays on disk");
  });
}

test("segment chain: lines that cannot be read do not count as delivered ahead of the checkpoint", async () => {
  const { open, runtime, segments } = chainScene("a1\na2\na3\n", "b1\nb2\n");
  const chain = await open();
  await chain.read(0, new Uint8Array(6));
  runtime.fault = ({ kind, path }) =>
    kind === "read" && path.includes(segments[0].stem) ? { code: "EIO" } : undefined;
  await chain.read(6, new Uint8Array(chain.end() - 6));
  runtime.fault = undefined;
  chain.release([{ from: 3, to: chain.end() }]);
  assert.equal(textIn(runtime, segments[0], ".delivered"), "3-6\n");
  assert.equal(textIn(runtime, segments[1], ".delivered"), "0-7\n");
});
