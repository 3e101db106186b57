/**
 * A writer other than this library, like the Python SDK: a lock with a PID, no owner
 * file, spaces in its JSON, and lines that may be half-written for a while.
 *
 * @module
 */

import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import type { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import type { AppendFile } from "../../../src/runtime/file_system.ts";
import type { SimContext } from "./context.ts";
import type { SimRecord } from "./ledger.ts";
import { Random } from "../scenario/random.ts";

/** Ms for which a line stays half-written. */
const HALF_MS = 300;

/** A foreign process. */
export class ForeignWriter {
  readonly memory: MemoryRuntime;
  readonly openCalls: string[] = [];
  readonly project: number;
  readonly random: Random;
  readonly #context: SimContext;
  readonly #base: string;
  readonly #file: AppendFile;
  /** Lines and remainders of lines that are still to be written. */
  readonly #queue: { bytes: Uint8Array; record: SimRecord | null }[] = [];
  #midLine = false;

  constructor(
    context: SimContext,
    host: MemoryHost,
    directory: string,
    project: number,
    id: number,
  ) {
    this.#context = context;
    this.project = project;
    this.random = new Random(id);
    this.memory = new MemoryRuntime({ disk: context.disk, clock: context.clock, host });
    const { files, process } = this.memory;
    const time = String(Math.floor(context.clock.now() * 1e6)).padStart(20, "0");
    this.#base = `${directory}/${time}_${this.random.hex(32)}`;
    files.makeDirectory(directory);
    files.createExclusive(`${this.#base}.lock`, String(process.pid));
    this.#file = files.openAppend(`${this.#base}.jsonl`);
  }

  get dead(): boolean {
    return this.memory.dead;
  }

  /** Writes a record's line, or its first half now and the rest later. */
  append(record: SimRecord): void {
    record.segment = this.#base;
    const bytes = new TextEncoder().encode(`${record.line}\n`);
    const half = this.random.chance(0.4) ? this.random.int(1, bytes.length - 1) : 0;
    if (half > 0) this.#queue.push({ bytes: bytes.subarray(0, half), record: null });
    this.#queue.push({ bytes: bytes.subarray(half), record });
    if (!this.#midLine) this.#write();
  }

  /** Kills the process, as SIGKILL does. */
  kill(): void {
    if (this.#midLine) this.#context.past.torn.add(this.#base);
    this.memory.kill();
  }

  /** Ends the process once everything is written. */
  exit(): void {
    this.#midLine = false;
    while (this.#queue.length > 0) this.#writeOne();
    this.#file.close();
    if (this.random.chance(0.5)) this.memory.files.remove(`${this.#base}.lock`);
    this.memory.exit();
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
    const { bytes, record } = this.#queue.shift()!;
    this.#file.writeBytes(bytes);
    this.#midLine = record === null;
    if (record) record.accepted = true;
  }
}
