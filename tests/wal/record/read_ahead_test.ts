import assert from "node:assert/strict";
import type { RecordBatch } from "../../../src/wal/record/record_batch.ts";
import { BatchReader } from "../../../src/wal/record/batch_reader.ts";
import { test } from "../../harness.ts";
import { seeded } from "../../support/kill/kill_records.ts";
import { bytesOf } from "../../support/wal/wal_fixture.ts";
import { Bytes, LIMITS, line, lineTexts, ROOM } from "../../support/wal/reader_fixture.ts";

const decoder = new TextDecoder();

const PAST_FIRST_READ = 1_300_000;
const EVEN = line("x".repeat(5_000)).repeat(600);

/** Lines of very different lengths, which result in batches of different sizes. */
function unevenLines(count: number): string[] {
  const random = seeded(7);
  return Array.from({ length: count }, (_, index) => {
    const long = index % 400 < 40 ? 4_000 : 300;
    return line(`${index}.${"é".repeat(Math.floor(random() * long))}`);
  });
}

test("batch reader: reading ahead changes nothing, whatever the size of reads", async () => {
  const lines = unevenLines(4_000);
  const whole = bytesOf(lines.join(""));
  for (const atOnce of [Infinity, 100_000, 5_000]) {
    for (const sealed of [true, false]) {
      const segment = new Bytes(whole);
      segment.atOnce = atOnce;
      const reader = new BatchReader(segment, { ...LIMITS, records: 100 }, 0);
      const kept: { batch: RecordBatch; text: string }[] = [];
      let read = "";
      for (let batch = await reader.next(sealed); batch; batch = await reader.next(sealed)) {
        const text = lineTexts(batch);
        read += text;
        kept.push({ batch, text });
        if (kept.length > 3) kept.shift();
        // The same while the next bytes are being read: two batches may be in flight, and
        // one is prepared.
        await Promise.resolve();
        for (const { batch, text } of kept) assert.equal(lineTexts(batch), text);
      }
      assert.equal(read, lines.join(""));
      assert.equal(reader.offset, whole.length);
    }
  }
});

test("batch reader: overwritten lines affect no other batch, and can be read again", async () => {
  const lines = unevenLines(4_000);
  const whole = bytesOf(lines.join(""));
  for (const atOnce of [Infinity, 100_000, 5_000]) {
    for (const sealed of [true, false]) {
      const segment = new Bytes(whole);
      segment.atOnce = atOnce;
      const reader = new BatchReader(segment, { ...LIMITS, records: 100 }, 0);
      const kept: { part: Uint8Array; content: string }[] = [];
      let read = "";
      let roomy = 0;
      for (let batch = await reader.next(sealed); batch; batch = await reader.next(sealed)) {
        const text = lineTexts(batch);
        read += text;
        if (batch.room >= ROOM) roomy++;
        const from = batch.lineStarts[0] - batch.room;
        const part = batch.bytes.subarray(from, batch.lineEnds[batch.count - 1] + 1);
        part.fill(kept.length % 128);
        if (kept.length % 7 === 0) {
          assert.equal(await reader.restore(batch), true);
          assert.equal(lineTexts(batch), text);
        }
        kept.push({ part, content: decoder.decode(part) });
        await Promise.resolve();
        for (const { part, content } of kept.slice(-3)) {
          assert.ok(decoder.decode(part) === content, "nothing else has changed it");
        }
      }
      assert.equal(read, lines.join(""));
      assert.ok(roomy > 0, "none with room in front");
    }
  }
});

test("batch reader: there is room before nearly all batches of equal records", async () => {
  for (const sealed of [true, false]) {
    const reader = new BatchReader(new Bytes(EVEN), { ...LIMITS, records: 100 }, 0);
    const rooms: number[] = [];
    for (let batch = await reader.next(sealed); batch; batch = await reader.next(sealed)) {
      rooms.push(batch.room);
    }
    const without = rooms.filter((room) => room < ROOM);
    assert.ok(rooms.length === 6 && without.length <= 1, rooms.join(" "));
  }
});

test("batch reader: removed lines are not read again", async () => {
  const segment = new Bytes(line("a") + line("b"));
  const reader = new BatchReader(segment, LIMITS, 0);
  const batch = (await reader.next(true))!;
  const whole = segment.bytes;
  segment.bytes = whole.subarray(0, line("a").length + 3);
  assert.equal(await reader.restore(batch), false, "cut");
  segment.bytes = bytesOf(line("longer") + line("b"));
  assert.equal(await reader.restore(batch), false, "others in their place");
  segment.bytes = whole;
  assert.equal(await reader.restore(batch), true);
});

test("batch reader: the next bytes are requested before a batch is returned", async () => {
  const segment = new Bytes(EVEN);
  const reader = new BatchReader(segment, { ...LIMITS, records: 100 }, 0);
  let last: RecordBatch | null = null;
  while (reader.offset < PAST_FIRST_READ) last = await reader.next(true);
  assert.ok(segment.reads.at(-1)!.offset > last!.to, "read ahead");
  const open = new BatchReader(segment, { ...LIMITS, records: 100 }, 0);
  while (open.offset < PAST_FIRST_READ) last = await open.next(false);
  const { offset } = segment.reads.at(-1)!;
  assert.ok(offset <= last!.to, "what may still be taken back is not read ahead");
});

test("batch reader: a failed read-ahead is reported with the batch it was for", async () => {
  const segment = new Bytes(EVEN);
  const read = segment.read.bind(segment);
  const reader = new BatchReader(segment, { ...LIMITS, records: 100 }, 0);
  while (reader.offset < PAST_FIRST_READ) await reader.next(true);
  const given = reader.offset;
  segment.read = () => Promise.reject(Object.assign(new Error("broken"), { code: "EIO" }));
  let failed = 0;
  const batches: string[] = [];
  for (let tries = 0; tries < 4 && failed === 0; tries++) {
    const batch = await reader.next(true).catch((error) => {
      assert.equal(error.code, "EIO");
      failed++;
    });
    if (batch) batches.push(lineTexts(batch));
  }
  assert.equal(failed, 1);
  segment.read = read;
  const again = new BatchReader(segment, { ...LIMITS, records: 100 }, given);
  for (const text of batches) assert.equal(lineTexts((await again.next(true))!), text);
});

test("batch reader: exclusive records are not read repeatedly", async () => {
  const whole = line("x".repeat(500)).repeat(4_000);
  for (const sealed of [true, false]) {
    const segment = new Bytes(whole);
    const reader = new BatchReader(segment, { ...LIMITS, isExclusive: () => true }, 0);
    let batches = 0;
    while (await reader.next(sealed)) batches++;
    assert.equal(batches, 4_000);
    const read = segment.reads.reduce((sum, { length }) => sum + length, 0);
    assert.ok(read < 2 * whole.length, `${read} bytes read of ${whole.length}`);
  }
});
