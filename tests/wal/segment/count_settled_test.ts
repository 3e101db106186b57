/** Counts of the pending lines of a log of which some are settled after the checkpoint. */
import assert from "node:assert/strict";
import { countRecords } from "../../../src/wal/segment/count_records.ts";
import {
  type LineRange,
  linesOutside,
  SettledLines,
} from "../../../src/wal/segment/delivered_lines.ts";
import { CountBudget, PendingCount } from "../../../src/wal/segment/pending_count.ts";
import { test } from "../../harness.ts";
import { Random } from "../../sim/scenario/random.ts";
import { bytesOf } from "../../support/wal/wal_fixture.ts";

const MB = 1024 * 1024;

/** Returns the starts of the lines of a text. */
function startsOf(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
    .filter((start) => start < text.length);
}

/** Returns the lines between two offsets, without those at `left`. */
function linesWithout(from: number, to: number, left: readonly number[]): LineRange[] {
  return linesOutside(from, to, new SettledLines(left).ranges);
}

/** Counts line by line. */
function reference(text: string, from: number, to: number, settled: readonly LineRange[]) {
  let records = 0, bytes = 0;
  for (const start of startsOf(text)) {
    if (start < from || start >= to) continue;
    if (settled.some((range) => range.from <= start && start < range.to)) continue;
    const newline = text.indexOf("\n", start);
    const end = newline === -1 || newline >= to ? to : newline + 1;
    bytes += end - start;
    if (end === newline + 1 && newline > start) records++;
  }
  return { records, bytes };
}

/** A log with lines of all lengths, also empty ones, and an unfinished last one. */
function randomLog(random: Random): string {
  let text = "";
  for (let line = random.int(1, 20); line > 0; line--) {
    const length = random.pick([0, 1, 2, random.int(3, 90), random.int(4_000, 5_000)]);
    text += "x".repeat(length) + (random.chance(0.1) ? "\r" : "") + "\n";
  }
  return random.chance(0.3) ? `${text}unfinished` : text;
}

/** Lines that senders may have noted as delivered. */
const NOTES: Readonly<Record<string, (random: Random, starts: number[]) => LineRange[]>> = {
  "nothing": () => [],
  "everything before a line, but for lines that wait": (random, starts) => {
    const from = random.int(0, starts.length - 1);
    const end = starts[random.int(from, starts.length - 1)];
    return linesWithout(starts[from], end, starts.filter(() => random.chance(0.3)));
  },
  "single lines": (random, starts) =>
    starts.filter(() => random.chance(0.4)).map((from) => ({ from, to: from + 1 })),
  "what several senders delivered": (random, starts) =>
    Array.from({ length: 3 }, () => {
      const from = random.int(0, starts.length - 1);
      return linesWithout(starts[from], starts[random.int(from, starts.length - 1)], [
        random.pick(starts),
      ]);
    }).flat(),
  "everything": (_, starts) => [{ from: 0, to: starts.at(-1)! + 1_000_000 }],
};

for (const [what, note] of Object.entries(NOTES)) {
  test(`settled lines: ${what}: counts equal those made line by line`, async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const text = randomLog(random);
      const bytes = bytesOf(text);
      const starts = startsOf(text);
      const atOnce = random.pick([97, 5_000, MB]);
      const source = {
        read: (offset: number, into: Uint8Array) => {
          const found = bytes.subarray(offset, offset + Math.min(into.length, atOnce));
          into.set(found);
          return Promise.resolve(found.length);
        },
      };
      const count = new PendingCount();
      let from = 0, to = 0;
      let settled: readonly LineRange[] = [];
      // The checkpoint moves, records are added, and another sender stops.
      for (let step = 0; step < 6; step++) {
        if (random.chance(0.6)) to = random.int(to, bytes.length);
        const ends = starts.filter((start) => start >= from && start <= to);
        if (random.chance(0.5) && ends.length > 0) from = random.pick(ends);
        if (random.chance(0.4)) {
          settled = new SettledLines([], note(random, starts)).ranges;
        }
        const expected = reference(text, from, to, settled);
        const got = await count.count(from, to, new CountBudget(), () => source, { settled });
        assert.deepEqual(got, { ...expected, isEstimate: false }, `seed ${seed}, step ${step}`);
        const lines = await countRecords(source, from, to, settled);
        assert.deepEqual(
          { records: lines.records, bytes: lines.bytes + lines.unfinished },
          expected,
          `seed ${seed}, step ${step}`,
        );
      }
    }
  });
}

/** A log of 100-byte lines, as long as needed, that counts the bytes read. */
class LongLog {
  bytesRead = 0;
  largest = 0;

  read(offset: number, into: Uint8Array): Promise<number> {
    this.bytesRead += into.length;
    this.largest = Math.max(this.largest, into.length);
    for (let at = 0; at < into.length; at++) into[at] = (offset + at) % 100 === 99 ? 10 : 120;
    return Promise.resolve(into.length);
  }
}

test("settled lines: they are not read, however many there are, and not at all again", async () => {
  const log = new LongLog();
  const count = new PendingCount();
  const waiting = [0, 1_000_000, 5_000_000_000];
  const to = 10_000_000_000;
  const settled = linesWithout(0, to, waiting);
  const first = await count.count(0, to, new CountBudget(), () => log, { settled });
  assert.deepEqual([first.records, first.isEstimate], [waiting.length, false]);
  assert.ok(log.bytesRead < 64 * 1024, `${log.bytesRead} bytes`);
  const { bytesRead } = log;
  const same = settled.map((range) => ({ ...range })); // Read again from the file.
  await count.count(0, to, new CountBudget(), () => log, { settled: same });
  assert.equal(log.bytesRead, bytesRead);
  const more = await count.count(0, to + 5_000, new CountBudget(), () => log, { settled: same });
  assert.deepEqual([more.records, log.bytesRead - bytesRead], [waiting.length + 50, 5_001]);
});

test("settled lines: lines that wait are counted exactly also if the rest is estimated", async () => {
  const log = new LongLog();
  const waiting = Array.from({ length: 1_000 }, (_, n) => n * 10_000);
  const settled = linesWithout(0, 10_000_000, waiting);
  const budget = new CountBudget({ exactBytes: MB, sampledBytes: 64 * MB, segments: 1 });
  const to = 10_000_000 + 1_000 * MB;
  const { records, bytes, isEstimate } = await new PendingCount().count(
    0,
    to,
    budget,
    () => log,
    { settled },
  );
  assert.ok(isEstimate);
  assert.equal(bytes, 1_000 * MB + waiting.length * 100);
  const share = records / (1_000 * MB / 100 + waiting.length);
  assert.ok(share > 0.98 && share < 1.02, `${share}`);
  assert.ok(log.largest <= MB, `${log.largest} bytes at once`);
});

test("settled lines: a last line without a newline is a record where nothing follows", async () => {
  const source = {
    read: (at: number, into: Uint8Array) => Promise.resolve(put("a\nbc", at, into)),
  };
  const count = (settled: LineRange[], isFinal: boolean) =>
    new PendingCount().count(0, 4, new CountBudget(), () => source, { settled, isFinal });
  assert.deepEqual(await count([], false), { records: 1, bytes: 4, isEstimate: false });
  assert.deepEqual(await count([], true), { records: 2, bytes: 4, isEstimate: false });
  assert.deepEqual((await count([{ from: 2, to: 5 }], true)).records, 1);
});

function put(text: string, at: number, into: Uint8Array): number {
  const found = bytesOf(text).subarray(at, at + into.length);
  into.set(found);
  return found.length;
}
