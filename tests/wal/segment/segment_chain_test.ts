import assert from "node:assert/strict";
import { SegmentChain } from "../../../src/wal/segment/chain/segment_chain.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { chainScene, textOf } from "../../support/wal/chain_fixture.ts";
import { bytesOf, LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";
import { putSegment, tokenOf } from "../../support/wal/writer_fixture.ts";

test("segment chain: segments are read one after the other, in reads of any size", async () => {
  const { open } = chainScene("a1\na2\n", "", "b1\n", "c1");
  for (const size of [1, 2, 3, 5, 1_000]) {
    assert.equal(await textOf(await open(), size), "a1\na2\n\n\nb1\n\nc1\n", `${size} bytes`);
  }
});

test("segment chain: a last line without a newline does not continue in the next segment", async () => {
  const { open } = chainScene('{"half', "whole\n");
  assert.equal(await textOf(await open()), '{"half\nwhole\n\n');
});

test("segment chain: it may be read again, and at several positions at once", async () => {
  const chain = await chainScene("aaaa\n", "bbbb\n", "cccc\n").open();
  const text = await textOf(chain);
  const reads = [12, 0, 7, 3, 14].map(async (at) => {
    const into = new Uint8Array(4);
    const count = await chain.read(at, into);
    assert.equal(new TextDecoder().decode(into.subarray(0, count)), text.slice(at, at + 4));
  });
  await Promise.all(reads);
});

test("segment chain: a byte order mark at the beginning of any segment is ignored", async () => {
  const chain = await chainScene("\ufeffa\n", "\ufeff", "x\n\ufeffb\n").open();
  assert.equal(await textOf(chain), "\n\n\na\n\n\n\n\n\nx\n\ufeffb\n\n");
});

test("segment chain: a file that is missing at opening is skipped", async () => {
  const { open, runtime, segments, errors } = chainScene("a\n", "b\n", "c\n");
  runtime.files.remove(segmentPaths(PROJECT, segments[1].stem).data);
  const chain = await open();
  assert.equal(chain.count, 2);
  assert.equal(await textOf(chain), "a\n\nc\n\n");
  assert.deepEqual(errors, []);
});

test("segment chain: a directory or a link in place of a file is skipped", async () => {
  const { open, runtime, segments, world } = chainScene("a\n", "b\n", "c\n");
  for (const index of [0, 2]) {
    runtime.files.remove(segmentPaths(PROJECT, segments[index].stem).data);
  }
  runtime.files.makeDirectory(segmentPaths(PROJECT, segments[0].stem).data);
  world.disk.put("/secret", "secret\n");
  world.disk.symlink("/secret", segmentPaths(PROJECT, segments[2].stem).data);
  assert.equal(await textOf(await open()), "b\n\n");
});

test("segment chain: a file that is removed while the chain is read ends there, and is cleared", async () => {
  const { open, runtime, segments, world, errors } = chainScene("a\n", "b1\nb2\n", "c\n");
  const chain = await open();
  runtime.files.remove(segmentPaths(PROJECT, segments[1].stem).data);
  assert.equal((await textOf(chain)).replaceAll(/\n+/g, "\n"), "a\nc\n");
  chain.complete();
  await chain.settled();
  assert.deepEqual([world.names(), errors], [[], []]);
});

test("segment chain: a file truncated while the chain is read ends at the truncation", async () => {
  const { open, runtime, segments } = chainScene("a1\na2\na3\n", "b\n");
  const chain = await open();
  const file = runtime.files.openAppend(segmentPaths(PROJECT, segments[0].stem).data);
  file.truncate(3);
  file.close();
  assert.equal((await textOf(chain)).replaceAll(/\n+/g, "\n"), "a1\nb\n");
});

test("segment chain: an unreadable file is skipped, reported once, and stays", async () => {
  const { open, runtime, segments, world, errors } = chainScene("a\n", "b1\nb2\n", "c\n");
  const chain = await open();
  runtime.fault = ({ kind, path }) =>
    /open|read/.test(kind) && path.includes(segments[1].stem) ? { code: "EIO" } : undefined;
  assert.equal((await textOf(chain, 2)).replaceAll(/\n+/g, "\n"), "a\nc\n");
  assert.equal(errors.length, 1);
  chain.acknowledge(5); // Within it.
  chain.complete();
  await chain.settled();
  assert.deepEqual(world.names(), [`${segments[1].stem}.jsonl`]);
  runtime.fault = undefined;
  assert.equal((await textOf(await open())).replaceAll(/\n+/g, "\n"), "b1\nb2\n");
});

test("segment chain: a line split by a read error is not dead-lettered: it is complete on disk", async () => {
  const { open, runtime, segments, world } = chainScene("first\nsecond\n");
  const chain = await open();
  assert.equal(await chain.read(0, new Uint8Array(9)), 9);
  runtime.fault = ({ kind }) => kind === "read" ? { code: "EIO" } : undefined;
  await chain.read(9, new Uint8Array(5));
  runtime.fault = undefined;
  await chain.deadLetterLines([{ reason: "corrupt", offset: 6, length: 3, line: bytesOf("sec") }]);
  assert.deepEqual(world.deadLetters(segments[0].stem), []);
});

test("segment chain: a segment that cannot be inspected is reported, and the others are opened", async () => {
  const { open, runtime, segments, errors } = chainScene("a\n", "b\n");
  runtime.fault = ({ kind, path }) =>
    kind === "stat" && path.includes(segments[0].stem) ? { code: "EIO" } : undefined;
  const chain = await open();
  runtime.fault = undefined;
  assert.equal(await textOf(chain), "b\n\n");
  assert.equal(errors.length, 1);
});

for (const code of ["EMFILE", "ENFILE", "ENOMEM"]) {
  test(`segment chain: no segment is skipped on ${code}, which passes`, async () => {
    const { open, runtime, segments } = chainScene("a\n", "b\n", "c\n");
    const fail = (kinds: RegExp) => {
      runtime.fault = ({ kind, path }) =>
        kinds.test(kind) && path.includes(segments[1].stem) ? { code } : undefined;
    };
    fail(/stat/);
    await assert.rejects(open(), { code });
    runtime.fault = undefined;
    const chain = await open();
    fail(/open|read/);
    await assert.rejects(textOf(chain), { code });
    runtime.fault = undefined;
    assert.equal(await textOf(chain), "a\n\nb\n\nc\n\n");
    assert.deepEqual(chain.unreadable, []);
  });
}

test("segment chain: few of many segments are open at once, and none in the end", async () => {
  const world = new LogWorld();
  const segments = Array.from(
    { length: 100 },
    (_, n) => putSegment(world, tokenOf(1), { ".jsonl": `line ${n}\n` }, BigInt(n)),
  );
  const runtime = world.process();
  let open = 0, most = 0;
  const { openRead } = runtime.files;
  runtime.files.openRead = (path, ...rest) => {
    const file = openRead.call(runtime.files, path, ...rest);
    most = Math.max(most, ++open);
    const { close } = file;
    file.close = () => {
      open--;
      close.call(file);
    };
    return file;
  };
  const chain = await SegmentChain.open(
    { runtime, guard: { assertHeld() {}, ensureHeld() {} }, onError: assert.fail },
    segments,
  );
  await textOf(chain);
  assert.ok(most <= 2, `${most} open at once`);
  assert.equal(open, 0);
  chain.complete();
  await chain.settled();
});
