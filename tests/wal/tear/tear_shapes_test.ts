import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { bytesOf, joined } from "../../support/wal/wal_fixture.ts";
import { judge } from "../../support/wal/tear/tear_fixture.ts";

const RECORDS = ["a", "b", "c"].map((name) => ({
  type: "obj_create",
  req: { obj: { project_id: "team/project", object_id: name, val: { text: "é\n" } } },
}));
const LINES = RECORDS.map((record) => JSON.stringify(record));
const LOG = bytesOf(`${LINES.join("\n")}\n`);

/** Recovers a log; returns the number of delivered records, and why the rest was dead-lettered. */
async function outcome(...parts: (Uint8Array | string)[]): Promise<[number, string[]]> {
  const bytes = joined(...parts.map((part) => typeof part === "string" ? bytesOf(part) : part));
  const { delivered, deadLetters } = await judge(bytes, false);
  return [delivered, deadLetters.map(({ error }) => error.reason)];
}

for (const length of [1, 7, 511, 512, 4_096, 100_000]) {
  test(`tear: a tail of ${length} zeros is dead-lettered, and affects no record`, async () => {
    const zeros = new Uint8Array(length);
    assert.deepEqual(await outcome(LOG, zeros), [3, ["torn"]]);
    assert.deepEqual(await outcome(LOG.subarray(0, -1), zeros), [3, ["torn"]], "without a newline");
    const half = bytesOf(LINES[0].slice(0, 40));
    assert.deepEqual(await outcome(LOG, half, zeros), [3, ["torn"]], "behind half a record");
    assert.deepEqual(await outcome(zeros), [0, ["torn"]], "and nothing else");
  });
}

test("tear: a sector of zeros in the middle affects only the records that it covers", async () => {
  const log = bytesOf(LINES.concat(LINES, LINES, LINES).map((line) => `${line}\n`).join(""));
  for (let start = 0; start + 64 <= log.length; start += 64) {
    const corrupt = log.slice();
    corrupt.fill(0, start, start + 64);
    const [delivered, reasons] = await outcome(corrupt);
    assert.ok(delivered >= 10 && reasons.every((reason) => reason === "corrupt"), `at ${start}`);
  }
});

test("tear: empty logs and logs of only newlines have no records", async () => {
  for (const log of ["", "\n", "\n\n\n", "\r\n\r\n", "\ufeff", "\ufeff\n"]) {
    const [delivered, reasons] = await outcome(log);
    assert.equal(delivered, 0);
    assert.ok(reasons.length <= 1 && !log.endsWith("\n") || reasons.length === 0, `${reasons}`);
  }
});

test("tear: duplicate newlines lose no record, wherever they are", async () => {
  assert.deepEqual(await outcome("\n\n", LINES.join("\n\n\n"), "\n\n"), [3, []]);
});

test("tear: missing newlines lose no record, in the middle or at the end", async () => {
  assert.deepEqual(await outcome(LINES.join("\n")), [3, []]);
  assert.deepEqual(await outcome(LINES.join("")), [3, []]);
  assert.deepEqual(await outcome(LINES.join(""), "\n"), [3, []]);
  assert.deepEqual(await outcome(LINES[0], LINES[1], "\n", LINES[2], "\n"), [3, []]);
});

test("tear: a partial record before the next one affects only itself", async () => {
  // A log on a full disk whose writer does not roll back partial writes.
  const piece = LINES[1].slice(0, 33);
  assert.deepEqual(await outcome(LINES[0], "\n", piece, LINES[2], "\n"), [2, ["corrupt"]]);
  assert.deepEqual(await outcome(piece, LOG), [3, ["corrupt"]]);
  assert.deepEqual(await outcome(LOG, piece, LINES[2]), [4, ["corrupt"]]);
});

test("tear: carriage returns before newlines lose no record", async () => {
  assert.deepEqual(await outcome(LINES.join("\r\n"), "\r\n"), [3, []]);
  assert.deepEqual(await outcome(LINES.join("\r\n")), [3, []]);
});

test("tear: a byte order mark at the beginning loses no record", async () => {
  assert.deepEqual(await outcome("\ufeff", LOG), [3, []]);
  assert.deepEqual(await outcome("\ufeff", LINES.join("\r\n"), "\r\n"), [3, []]);
});

test("tear: a byte order mark elsewhere corrupts only its line", async () => {
  const [delivered] = await outcome(LINES[0], "\n\ufeff", LINES[1], "\n", LINES[2], "\n");
  assert.equal(delivered, 3);
});

test("tear: JSON in Python's layout is delivered byte for byte", async () => {
  const spaced = LINES.map((line) =>
    line.replaceAll('":', '": ').replaceAll(',"', ', "').replaceAll("é", "\\u00e9")
  );
  assert.deepEqual(await outcome(`${spaced.join("\n")}\n`), [3, []]);
});

test("tear: lines of other text and of other JSON are dead-lettered unchanged", async () => {
  for (const line of ["hello", "null", "[]", "{}", '"text"', '{"type":"call_start"}', "\x1b[0m"]) {
    assert.deepEqual(await outcome(line, "\n", LOG, line, "\n"), [3, ["corrupt", "corrupt"]]);
  }
});

test("tear: thousands of corrupt lines are dead-lettered in order, and the log ends", async () => {
  const [delivered, reasons] = await outcome("corrupt\n".repeat(5_000), LOG);
  assert.equal(delivered, 3);
  assert.equal(reasons.length, 5_000);
});
