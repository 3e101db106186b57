/**
 * Compares ways of writing one 620-byte record on the current runtime, and measures the cost of an
 * fsync. The adapters in `src/runtime/` use the fastest way.
 *
 * ```sh
 * node --import tsx scripts/bench/programs/write.ts [directory]
 * bun scripts/bench/programs/write.ts [directory]
 * deno run -A scripts/bench/programs/write.ts [directory]
 * ```
 *
 * The ways alternate, and each reports its median round, so that a busy machine affects all of them.
 * Text is built as the log builds it: a flat JSON string between a constant prefix and suffix.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";

interface DenoFile {
  writeSync(bytes: Uint8Array): number;
  syncDataSync(): void;
  close(): void;
}
interface DenoSlice {
  openSync(path: string, options: Record<string, unknown>): DenoFile;
}
interface Way {
  name: string;
  write(text: string): void;
}

const RECORD_BYTES = 620;
const ROUNDS = 15;
const WRITES = 4_000;
const SYNCS = 200;

const head = '{"type":"call_start","req":';
const tail = "}\n";

/** Distinct requests of the right size, as formatted by `JSON.stringify`. */
function requests(filler: string): string[] {
  const target = RECORD_BYTES - head.length - tail.length;
  return Array.from({ length: WRITES }, (_, index) => {
    const id = String(index).padStart(8, "0");
    let inputs = filler;
    const size = () => Buffer.byteLength(JSON.stringify({ start: { id, inputs } }));
    while (size() < target) inputs += "x";
    return JSON.stringify({ start: { id, inputs } });
  });
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];

const directory = fs.mkdtempSync(`${process.argv[2] ?? tmpdir()}/bench_write-`);
const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = fs.constants;
const fd = fs.openSync(`${directory}/node`, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
const encoder = new TextEncoder();
const bytes = new Uint8Array(64 * 1024);
const buffer = Buffer.from(bytes.buffer);
const runtime = detectRuntime();
const adapter = runtime.files.openAppend(`${directory}/adapter`);
const deno = (globalThis as { Deno?: DenoSlice }).Deno;
const own = deno?.openSync(`${directory}/deno`, {
  append: true,
  read: true,
  createNew: true,
  mode: 0o600,
});

const ways: Way[] = [
  { name: "node:fs string", write: (text) => void fs.writeSync(fd, text) },
  {
    name: "node:fs string, Buffer.byteLength",
    write: (text) => {
      if (fs.writeSync(fd, text) !== Buffer.byteLength(text)) throw new Error("Short write");
    },
  },
  {
    name: "node:fs encodeInto, subarray",
    write: (text) => {
      fs.writeSync(fd, bytes.subarray(0, encoder.encodeInto(text, bytes).written));
    },
  },
  {
    name: "node:fs encodeInto, offset and length",
    write: (text) => void fs.writeSync(fd, bytes, 0, encoder.encodeInto(text, bytes).written),
  },
  {
    name: "node:fs Buffer.write, offset and length",
    write: (text) => void fs.writeSync(fd, buffer, 0, buffer.write(text, 0)),
  },
  { name: "node:fs Buffer.from", write: (text) => void fs.writeSync(fd, Buffer.from(text)) },
];
if (own) {
  ways.push(
    {
      name: "Deno.FsFile encodeInto, subarray",
      write: (text) => {
        own.writeSync(bytes.subarray(0, encoder.encodeInto(text, bytes).written));
      },
    },
    { name: "Deno.FsFile encode", write: (text) => void own.writeSync(encoder.encode(text)) },
    {
      name: "Deno.FsFile Buffer.write, subarray",
      write: (text) => void own.writeSync(bytes.subarray(0, buffer.write(text, 0))),
    },
  );
}
ways.push({ name: `the ${runtime.name} adapter`, write: (text) => void adapter.write(text) });

function measure(filler: string): Map<string, number> {
  const all = requests(filler);
  const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const { name, write } of ways) {
      const start = performance.now();
      for (const request of all) write(head + request + tail);
      const each = (performance.now() - start) / all.length * 1000;
      if (round >= 0) times.get(name)!.push(each);
    }
    fs.ftruncateSync(fd, 0);
    adapter.truncate(0);
    if (own) fs.truncateSync(`${directory}/deno`, 0);
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]));
}

async function measureSync(write: () => void, sync: () => void | Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < SYNCS; index++) {
    write();
    const start = performance.now();
    await sync();
    times.push((performance.now() - start) * 1000);
  }
  return median(times);
}

const line = (name: string, ...values: (number | string)[]) =>
  console.log(
    name.padEnd(42),
    ...values.map((value) =>
      (typeof value === "number" ? value.toFixed(value < 100 ? 2 : 0) : value).padStart(14)
    ),
  );

line(`one ${RECORD_BYTES}-byte record on ${runtime.name}, µs`, "ASCII", "other text");
const ascii = measure("");
const other = measure("Spur é 日本語 🙂 ");
for (const { name } of ways) line(name, ascii.get(name)!, other.get(name)!);

const record = head + requests("")[0] + tail;
console.log();
line("fsync of one record, µs", "median");
line(
  "node:fs fdatasyncSync",
  await measureSync(() => void fs.writeSync(fd, record), () => fs.fdatasyncSync(fd)),
);
if (own) {
  line(
    "Deno.FsFile syncDataSync",
    await measureSync(
      () => void own.writeSync(encoder.encode(record)),
      () => own.syncDataSync(),
    ),
  );
}
line(
  `the ${runtime.name} adapter, dataSyncNow`,
  await measureSync(() => void adapter.write(record), () => adapter.dataSyncNow()),
);
line(
  `the ${runtime.name} adapter, dataSync`,
  await measureSync(() => void adapter.write(record), () => adapter.dataSync()),
);

adapter.close();
own?.close();
fs.closeSync(fd);
fs.rmSync(directory, { recursive: true });
