/**
 * Compares ways of finding the ends of records on the current runtime. Prints a table.
 * `src/bytes/find_byte.ts` uses the fastest way.
 *
 * @module
 */

import { Bench } from "tinybench";
import { findByIndexOf, findByte, findByWords } from "../../../src/bytes/find_byte.ts";
import { scanBytes } from "../../../src/bytes/scan_bytes.ts";

const RECORDS = 1_000, RECORD_BYTES = 620, NEWLINE = 10;
const bytes = new Uint8Array(RECORDS * RECORD_BYTES).fill(97);
for (let i = 1; i <= RECORDS; i++) bytes[i * RECORD_BYTES - 1] = NEWLINE;

const { Buffer: buffer } = globalThis as { Buffer?: { prototype: Uint8Array } };
const ways = {
  "Uint8Array.indexOf": findByIndexOf(Uint8Array.prototype.indexOf),
  ...(buffer ? { "Buffer.indexOf": findByIndexOf(buffer.prototype.indexOf) } : {}),
  "four bytes at a time": findByWords,
  "chosen": findByte,
};
const bench = new Bench({ time: 300 });
for (const [name, find] of Object.entries(ways)) {
  bench.add(name, () => {
    let count = 0;
    for (let at = 0; at < bytes.length; count++) at = find(bytes, NEWLINE, at, bytes.length) + 1;
    if (count !== RECORDS) throw new Error(`Found ${count} of ${RECORDS} records`);
  });
}
bench.add("scan, as chosen", () => {
  let count = 0;
  const scan = scanBytes(bytes, NEWLINE, bytes.length);
  for (let at = 0; at < bytes.length; count++) at = scan.next(at) + 1;
  if (count !== RECORDS) throw new Error(`Found ${count} of ${RECORDS} records`);
});
await bench.run();
console.table(bench.tasks.map(({ name, result }) => ({
  name,
  "ns a record": Math.round(
    (result as { latency: { p50: number } }).latency.p50 * 1e6 / RECORDS,
  ),
})));
