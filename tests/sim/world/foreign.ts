/**
 * A writer other than this library, like the Python SDK: a lock with a PID, no owner
 * file, spaces in its JSON, and lines that may be half-written for a while. It begins
 * another segment, under another name, when one is full, and its threads may write the
 * start of a call after its end.
 *
 * @module
 */

import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import type { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import type { AppendFile } from "../../../src/runtime/file_system.ts";
import { WAL_DIR } from "../process/simulated_pipeline.ts";
import type { SimContext } from "./context.ts";
import type { SimRecord } from "./ledger.ts";
import { Random } from "../scenario/random.ts";
import type { ForeignStep } from "../scenario/scenario.ts";

/** Ms for which a line stays half-written. */
const HALF_MS = 300;
/** Maximum ms by which a start is written late. */
const LATE_MS = 3_000;

/** A segment that a foreign process writes. */
interface ForeignSegment {
  /** Its path, without a suffix. */
  readonly base: string;
  readonly file: AppendFile;
  /** Bytes in it. */
  size: number;
}

/** A line, or a part of one, that is still to be written. */
interface Part {
  readonly bytes: Uint8Array;
  readonly record: SimRecord;
  readonly isLast: boolean;
}

/** A foreign process. */
export class ForeignWriter {
  readonly memory: MemoryRuntime;
  readonly openCalls: string[] = [];
  readonly project: number;
  readonly random: Random;
  readonly #context: SimContext;
  readonly #step: ForeignStep;
  #segment: ForeignSegment;
  #segments = 0;
  readonly #queue: Part[] = [];
  /** Starts that another thread is about to write. */
  #late: SimRecord[] = [];
  #midLine = false;

  constructor(context: SimContext, host: MemoryHost, step: ForeignStep, id: number) {
    this.#context = context;
    this.#step = step;
    this.project = step.project;
    this.random = new Random(id);
    this.memory = new MemoryRuntime({ disk: context.disk, clock: context.clock, host });
    if (step.writesOnly) this.memory.env.WEAVE_DISABLE_WAL_SENDER = "true";
    this.#segment = this.#begin();
  }

  get dead(): boolean {
    return this.memory.dead;
  }

  /** Writes a record's line, now or, if it is a start of another thread, later. */
  append(record: SimRecord): void {
    if (this.#step.hasThreads && record.kind === "start" && this.random.chance(0.5)) {
      record.late = true;
      this.#late.push(record);
      const ms = this.random.int(0, LATE_MS);
      this.memory.clock.after(ms, () => this.#writeLate(record));
    } else this.#enqueue(record);
  }

  /** Kills the process, as SIGKILL does. */
  kill(): void {
    if (this.#midLine) this.#context.past.torn.add(this.#segment.base);
    this.memory.kill();
    for (const record of [...this.#late, ...this.#queue.map(({ record }) => record)]) {
      record.excuse ??= "killed";
    }
  }

  /** Ends the process once everything is written. */
  exit(): void {
    this.#midLine = false;
    for (const record of this.#late) this.#split(record);
    this.#late = [];
    while (this.#queue.length > 0) this.#writeOne();
    const { file, base } = this.#segment;
    file.close();
    if (this.random.chance(0.5)) this.memory.files.remove(`${base}.lock`);
    this.memory.exit();
  }

  #begin(): ForeignSegment {
    const { clock } = this.#context;
    const { files, process } = this.memory;
    const directory = `${WAL_DIR}/e/p${this.project}`;
    // The names sort in the order of writing.
    const ns = BigInt(Math.floor(clock.now() * 1e6)) + BigInt(this.#segments++);
    const time = String(ns).padStart(20, "0");
    const hex = this.random.hex(32);
    const uuid = `${hex.slice(0, 12)}4${hex.slice(13)}`; // Version 4.
    const base = `${directory}/${time}_${uuid}`;
    files.makeDirectory(directory);
    files.createExclusive(`${base}.lock`, String(process.pid));
    return { base, file: files.openAppend(`${base}.jsonl`), size: 0 };
  }

  #rotate(): void {
    const { file, base } = this.#segment;
    file.close();
    this.memory.files.remove(`${base}.lock`);
    this.#segment = this.#begin();
  }

  #writeLate(record: SimRecord): void {
    const index = this.#late.indexOf(record);
    if (index === -1) return;
    this.#late.splice(index, 1);
    this.#enqueue(record);
  }

  /** Writes a line, or its first half now and the rest later. */
  #enqueue(record: SimRecord): void {
    this.#split(record);
    if (!this.#midLine) this.#write();
  }

  #split(record: SimRecord): void {
    const bytes = new TextEncoder().encode(`${record.line}\n`);
    const half = this.random.chance(0.4) ? this.random.int(1, bytes.length - 1) : 0;
    if (half > 0) this.#queue.push({ bytes: bytes.subarray(0, half), record, isLast: false });
    this.#queue.push({ bytes: bytes.subarray(half), record, isLast: true });
  }

  #write(): void {
    while (this.#queue.length > 0) {
      this.#writeOne();
      if (!this.#midLine) continue;
      this.memory.clock.after(HALF_MS, () => {
        this.#midLine = false;
        this.#write();
      });
      return;
    }
  }

  #writeOne(): void {
    const { bytes, record, isLast } = this.#queue.shift()!;
    const segment = this.#segment;
    record.segment = segment.base;
    segment.file.writeBytes(bytes);
    segment.size += bytes.length;
    this.#midLine = !isLast;
    if (!isLast) return;
    record.accepted = true;
    const { rotateBytes } = this.#step;
    if (rotateBytes > 0 && segment.size >= rotateBytes) this.#rotate();
  }
}
