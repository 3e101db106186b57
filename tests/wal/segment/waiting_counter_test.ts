import assert from "node:assert/strict";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { CountBudget } from "../../../src/wal/segment/pending_count.ts";
import { WaitingCounter } from "../../../src/wal/segment/waiting_counter.ts";
import type { ListedSegment } from "../../../src/wal/orphans/directory_listing.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";
import { putSegment, tokenOf } from "../../support/wal/writer_fixture.ts";

const waiting = (records: number, bytes: number) => ({ records, bytes, isEstimate: false });

function scene(...contents: Record<string, string>[]) {
  const world = new LogWorld();
  const segments = contents.map((files, n) => putSegment(world, tokenOf(1), files, BigInt(n)));
  const runtime = world.process();
  const counter = new WaitingCounter(runtime);
  /** Names of the files opened by a count. */
  const opened = async (listed: readonly ListedSegment[] = segments): Promise<number> => {
    let count = 0;
    runtime.fault = ({ kind }) => void (count += kind === "open" ? 1 : 0);
    await counter.count(listed, new CountBudget());
    runtime.fault = undefined;
    return count;
  };
  return { world, segments, runtime, counter, opened };
}

test("waiting counter: it counts complete records and bytes after the checkpoints", async () => {
  const { counter, segments } = scene(
    { ".jsonl": "a\nb\nc\n" },
    { ".jsonl": "a\nb\nc\n", ".checkpoint": "2" },
    { ".jsonl": "a\nb\n", ".checkpoint": "4" },
    { ".jsonl": "" },
    { ".jsonl": "a\n\n\nno newline" },
  );
  const rest = "a\n\n\nno newline".length;
  assert.deepEqual(
    await counter.count(segments, new CountBudget()),
    waiting(3 + 2 + 0 + 0 + 1, 6 + 4 + rest),
  );
  assert.deepEqual(await counter.count([], new CountBudget()), waiting(0, 0));
});

test("waiting counter: a segment is read again only if it has changed", async () => {
  const { counter, segments, opened, runtime } = scene({ ".jsonl": "a\nb\n" }, { ".jsonl": "c\n" });
  assert.equal(await opened(), 2);
  assert.equal(await opened(), 0);
  const file = runtime.files.openAppend(segmentPaths(PROJECT, segments[0].stem).data);
  file.write("more\n");
  file.close();
  assert.equal(await opened(), 1);
  assert.deepEqual(await counter.count(segments, new CountBudget()), waiting(4, 11));
});

test("waiting counter: a checkpoint made after the listing is used", async () => {
  const { counter, segments, world } = scene({ ".jsonl": "a\nb\n" });
  assert.equal((await counter.count(segments, new CountBudget())).records, 2);
  world.disk.put(segmentPaths(PROJECT, segments[0].stem).checkpoint, "2");
  assert.deepEqual(await counter.count(segments, new CountBudget()), waiting(1, 2));
});

test("waiting counter: lines delivered ahead of the checkpoint are not counted, also if noted after the listing", async () => {
  const { counter, segments, opened, world } = scene(
    { ".jsonl": "a\nb\nc\n", ".delivered": "2-4\n" },
    { ".jsonl": "aa\nb\nc\n", ".checkpoint": "3", ".delivered": "0-3\n4-7\n" },
    { ".jsonl": "a\nb\n" },
    { ".jsonl": "a\n", ".delivered": "0-2\n" },
    { ".jsonl": "a\n", ".delivered": "nonsense" },
  );
  const count = () => counter.count(segments, new CountBudget());
  assert.deepEqual(await count(), waiting(2 + 1 + 2 + 0 + 1, 4 + 2 + 4 + 0 + 2));
  assert.equal(await opened(), 0, "the records are not read again");
  world.disk.put(segmentPaths(PROJECT, segments[2].stem).delivered, "0-2\n");
  assert.deepEqual(await count(), waiting(2 + 1 + 1 + 0 + 1, 4 + 2 + 2 + 0 + 2));
});

test("waiting counter: the oldest record is not one that is delivered", async () => {
  const at = (second: number) =>
    `{"type":"call_start","req":{"start":{"started_at":"2026-01-01T00:00:0${second}.000Z"}}}\n`;
  const first = at(1).length;
  const { counter, segments } = scene({
    ".jsonl": at(1) + at(2) + at(3),
    ".delivered": `0-${2 * first}\n`,
  });
  assert.equal(await counter.oldest(segments), Date.parse("2026-01-01T00:00:03.000Z"));
});

test("waiting counter: an invalid checkpoint is ignored", async () => {
  const { counter, segments } = scene(
    { ".jsonl": "a\nb\n", ".checkpoint": "9" },
    { ".jsonl": "a\nb\n", ".checkpoint": "x" },
  );
  assert.equal((await counter.count(segments, new CountBudget())).records, 4);
});

test("waiting counter: records delivered after the listing are not counted", async () => {
  const { counter, segments, runtime } = scene({ ".jsonl": "a\n" }, { ".jsonl": "b\n" });
  runtime.files.remove(segmentPaths(PROJECT, segments[0].stem).data);
  assert.deepEqual(await counter.count(segments, new CountBudget()), waiting(1, 2));
  let left = 1;
  runtime.fault = ({ kind, path }) => {
    if (kind === "open" && left-- > 0) runtime.files.remove(path); // After its size was read.
    return undefined;
  };
  const again = new WaitingCounter(runtime);
  assert.deepEqual(await again.count(segments, new CountBudget()), waiting(0, 0));
});

test("waiting counter: a directory in place of a segment is not counted", async () => {
  const { counter, segments, runtime } = scene({ ".jsonl": "a\n" });
  const { data } = segmentPaths(PROJECT, segments[0].stem);
  runtime.files.remove(data);
  runtime.files.makeDirectory(data);
  assert.deepEqual(await counter.count(segments, new CountBudget()), waiting(0, 0));
});

test("waiting counter: counts of unlisted segments are forgotten", async () => {
  const { segments, opened } = scene({ ".jsonl": "a\n" }, { ".jsonl": "b\n" });
  await opened();
  assert.equal(await opened([segments[1]]), 0);
  assert.equal(await opened(), 1);
});

test("waiting counter: an unreadable segment counts by its bytes, and its records are counted later", async () => {
  for (const broken of ["open", "read", "stat"]) {
    const { counter, segments, runtime } = scene({ ".jsonl": "a\n" }, { ".jsonl": "b\n" });
    runtime.fault = ({ kind, path }) =>
      kind === broken && path.includes(segments[0].stem) ? { code: "EIO" } : undefined;
    const bytes = broken === "stat" ? 2 : 4;
    assert.deepEqual(await counter.count(segments, new CountBudget()), waiting(1, bytes), broken);
    runtime.fault = undefined;
    assert.deepEqual(await counter.count(segments, new CountBudget()), waiting(2, 4));
  }
});
