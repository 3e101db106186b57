import assert from "node:assert/strict";
import type { RecordBatch } from "../../../src/wal/record/record_batch.ts";
import { BatchReader } from "../../../src/wal/record/batch_reader.ts";
import type { RecordType } from "../../../src/protocol/record_types.ts";
import { SettledLines } from "../../../src/wal/segment/delivered_lines.ts";
import { test } from "../../harness.ts";
import { bytesOf } from "../../support/wal/wal_fixture.ts";
import {
  Bytes,
  LIMITS,
  line,
  lineTexts,
  readAll,
  ROOM,
  texts,
} from "../../support/wal/reader_fixture.ts";

test("batch reader: records come in order, whatever the size of reads", async () => {
  const names = Array.from({ length: 50 }, (_, index) => `é${index}`.repeat(index));
  for (const atOnce of [1, 7, 64, Infinity]) {
    const segment = new Bytes(names.map((name) => line(name)).join(""));
    segment.atOnce = atOnce;
    const { batches, corrupt, to } = await readAll(segment);
    assert.deepEqual(batches.flat(), names.map((name) => `{"n":"${name}"}`));
    assert.deepEqual(corrupt, []);
    assert.equal(to, segment.bytes.length);
  }
});

test("batch reader: reading begins at the requested offset", async () => {
  const first = line("a");
  const { batches } = await readAll(new Bytes(first + line("b")), {}, bytesOf(first).length);
  assert.deepEqual(batches, [['{"n":"b"}']]);
});

test("batch reader: a batch stays within its limits of records and bytes; a longer record has its own", async () => {
  const segment = () => new Bytes(["a", "b", "x".repeat(200), "c"].map((n) => line(n)).join(""));
  const byRecords = await readAll(segment(), { records: 3 });
  assert.deepEqual(byRecords.batches.map(({ length }) => length), [3, 1]);
  const byBytes = await readAll(segment(), { bytes: 100, recordBytes: 1_000 });
  assert.deepEqual(byBytes.batches.map(({ length }) => length), [2, 1, 1]);
});

test("batch reader: an exclusive type has a batch of its own", async () => {
  const types: RecordType[] = ["obj_create", "call_update", "obj_create", "call_update"];
  const segment = new Bytes(types.map((type, index) => line(String(index), type)).join(""));
  const { batches } = await readAll(segment, { isExclusive: (type) => type === "call_update" });
  assert.deepEqual(batches.map(({ length }) => length), [1, 1, 1, 1]);
});

test("batch reader: a last line without a newline waits while the writer lives", async () => {
  const whole = line("a") + line("b");
  for (let cut = line("a").length; cut < whole.length; cut++) {
    const segment = new Bytes(whole.slice(0, cut));
    segment.sealed = false;
    const reader = new BatchReader(segment, LIMITS, 0);
    assert.deepEqual(texts((await reader.next(false))!), ['{"n":"a"}']);
    assert.equal(await reader.next(false), null);
    segment.append(whole.slice(cut));
    const next = (await reader.next(false))!;
    assert.deepEqual([texts(next), next.corrupt], [['{"n":"b"}'], []]);
  }
});

test("batch reader: a line that its writer truncated is not mixed with the next", async () => {
  const begun = line("taken back").slice(0, -9);
  for (const sealedThen of [false, true]) {
    const segment = new Bytes(line("a") + begun);
    segment.sealed = false;
    const reader = new BatchReader(segment, LIMITS, 0);
    await reader.next(false);
    assert.equal(await reader.next(false), null);
    segment.bytes = bytesOf(line("a"));
    segment.append(line("another, and longer"));
    const next = (await reader.next(sealedThen))!;
    assert.deepEqual([texts(next), next.corrupt], [['{"n":"another, and longer"}'], []]);
  }
});

test("batch reader: a last line without a newline is sent if it is complete, but not if it is torn", async () => {
  const whole = line("a").trimEnd();
  for (let cut = 1; cut <= whole.length; cut++) {
    const { batches, corrupt } = await readAll(new Bytes(line("b") + whole.slice(0, cut)));
    const isWhole = cut === whole.length;
    assert.equal(batches.flat().length, isWhole ? 2 : 1);
    const torn = { reason: "torn", offset: line("b").length, length: cut };
    assert.deepEqual(corrupt, isWhole ? [] : [torn]);
  }
});

test("batch reader: a last line with a carriage return or a byte order mark is complete too", async () => {
  const whole = line("a").trimEnd();
  for (const text of [`${whole}\r`, `\ufeff${whole}`, `\ufeff${whole}\r`]) {
    const { batches, corrupt } = await readAll(new Bytes(text));
    assert.deepEqual([batches.flat(), corrupt], [['{"n":"a"}'], []]);
  }
});

test("batch reader: a last line without a newline has no room after it to be overwritten", async () => {
  const reader = new BatchReader(new Bytes(line("a") + line("b").trimEnd()), LIMITS, 0);
  assert.ok((await reader.next(true))!.room >= ROOM);
  assert.equal((await reader.next(true))!.room, 0);
});

test("batch reader: corrupt lines are dead-lettered at their offsets", async () => {
  const log = `x\n${line("a")}\n\r\n{}\r\n${line("b")}y\n`;
  const { batches, corrupt } = await readAll(new Bytes(log));
  assert.deepEqual(batches.flat(), ['{"n":"a"}', '{"n":"b"}']);
  assert.deepEqual(corrupt, [
    { reason: "corrupt", offset: 0, length: 1 },
    { reason: "corrupt", offset: log.indexOf("{}"), length: 2 },
    { reason: "corrupt", offset: log.indexOf("y\n"), length: 1 },
  ]);
});

test("batch reader: lines that are already dead-lettered are skipped", async () => {
  const log = line("a") + line("b") + "x\n" + line("c") + "torn";
  const segment = new Bytes(log);
  segment.settledLines = new SettledLines([0, log.indexOf("x\n"), log.indexOf("torn")]);
  const { batches, corrupt, to } = await readAll(segment);
  assert.deepEqual(batches.flat(), ['{"n":"b"}', '{"n":"c"}']);
  assert.deepEqual(corrupt, []);
  assert.equal(to, log.length);
});

test("batch reader: corrupt lines count toward a batch's limits too", async () => {
  const { batches, corrupt } = await readAll(new Bytes("x\n".repeat(25)), { records: 10 });
  assert.equal(batches.length, 3);
  assert.equal(corrupt.length, 25);
});

test("batch reader: the size limit of a record is exact, for every size of reads", async () => {
  const exact = line("x".repeat(500));
  const over = line("x".repeat(501));
  const recordBytes = exact.length - 1;
  for (const atOnce of [13, 100, Infinity]) {
    const segment = new Bytes(line("a") + over + exact + over);
    segment.atOnce = atOnce;
    const { batches, corrupt } = await readAll(segment, { bytes: 100, recordBytes });
    assert.deepEqual(batches.flat().map((text) => text.length), [9, 508]);
    assert.deepEqual(corrupt, [
      { reason: "oversize", offset: line("a").length, length: over.length - 1 },
      {
        reason: "oversize",
        offset: (line("a") + over + exact).length,
        length: over.length - 1,
      },
    ]);
  }
});

test("batch reader: an oversize line that is still being written waits for its end", async () => {
  const over = line("x".repeat(500));
  const segment = new Bytes(over.slice(0, 300));
  segment.sealed = false;
  const reader = new BatchReader(segment, { ...LIMITS, bytes: 100, recordBytes: 200 }, 0);
  assert.equal(await reader.next(false), null);
  segment.append(over.slice(300) + line("b"));
  assert.deepEqual((await reader.next(false))!.corrupt.map(({ reason }) => reason), ["oversize"]);
  assert.deepEqual(texts((await reader.next(false))!), ['{"n":"b"}']);
});

test("batch reader: an oversize line without an end is dead-lettered when no more will come", async () => {
  const segment = new Bytes("x".repeat(1_000));
  const { batches, corrupt } = await readAll(segment, { bytes: 100, recordBytes: 200 });
  assert.deepEqual(batches, [[]]);
  assert.deepEqual(corrupt, [{ reason: "oversize", offset: 0, length: 1_000 }]);
});

test("batch reader: an oversize line does not affect the complete lines before it", async () => {
  const short = (name: string): string => line(name.padEnd(50, "."));
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, index) => short(`${index}`)).join("");
  // Earlier batches determine the read size; less than that is left for the last one.
  for (const count of [120, 150, 180, 250, 350]) {
    for (const sealed of [true, false]) {
      for (const [length, fits] of [[50_000, false], [19_000, true]] as const) {
        const long = line("x".repeat(length));
        const segment = new Bytes(lines(count) + long + lines(100));
        segment.atOnce = 5_000;
        const limits = { ...LIMITS, bytes: 9_000, records: 100, recordBytes: 20_000 };
        const reader = new BatchReader(segment, limits, 0);
        let read = "";
        const corrupt: unknown[] = [];
        for (let batch = await reader.next(sealed); batch; batch = await reader.next(sealed)) {
          read += lineTexts(batch);
          corrupt.push(...batch.corrupt);
        }
        assert.equal(read, lines(count) + (fits ? long : "") + lines(100));
        const oversize = {
          reason: "oversize",
          offset: lines(count).length,
          length: long.length - 1,
        };
        assert.deepEqual(corrupt, fits ? [] : [oversize]);
      }
    }
  }
});

test("batch reader: memory is bounded by the limits, not by the log", async () => {
  const segment = new Bytes(line("x".repeat(100)).repeat(20_000));
  const limits = { ...LIMITS, bytes: 10_000, recordBytes: 20_000 };
  const reader = new BatchReader(segment, limits, 0);
  let records = 0;
  for (let batch = await reader.next(true); batch; batch = await reader.next(true)) {
    assert.ok(batch.bytes.length <= 20_001 + ROOM, `${batch.bytes.length} bytes`);
    records += batch.count;
  }
  assert.equal(records, 20_000);
  const read = segment.reads.reduce((sum, { length }) => sum + length, 0);
  assert.ok(read < segment.bytes.length * 1.1, "and nothing is read twice");
});

test("batch reader: the bytes of a batch stay valid until the batch after the next is read", async () => {
  const segment = new Bytes(Array.from({ length: 100 }, (_, n) => line(`n${n}`)).join(""));
  const reader = new BatchReader(segment, { ...LIMITS, records: 7, bytes: 300 }, 0);
  let before: { batch: RecordBatch; texts: string[] } | null = null;
  for (let batch = await reader.next(true); batch; batch = await reader.next(true)) {
    if (before) assert.deepEqual(texts(before.batch), before.texts);
    before = { batch, texts: texts(batch) };
  }
});

test("batch reader: a read that fails is an error, and a new reader goes on", async () => {
  const segment = new Bytes(line("a") + line("b"));
  const { read } = segment;
  segment.read = () => Promise.reject(Object.assign(new Error("Disk"), { code: "EIO" }));
  await assert.rejects(new BatchReader(segment, LIMITS, 0).next(true), { code: "EIO" });
  segment.read = read;
  assert.equal((await readAll(segment)).batches.flat().length, 2);
});

/** The first read takes 1 MiB; what a usual batch is, and so what to read ahead, is known then. */
