/**
 * Looks at every change of a checkpoint and every removal of a log as it happens.
 *
 * @module
 */

import type { SimContext } from "../world/context.ts";
import { type DeadLetter, mayDrain, type ProcessView } from "../world/ledger.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const NEWLINE = 10;

/** A line of a segment. */
export interface Line {
  readonly offset: number;
  readonly text: string;
}

/** Holds what processes do to logs against what the servers answered. */
export class Auditor {
  readonly #context: SimContext;
  /** Settled offset of each segment, as last seen. */
  readonly #settled = new Map<string, number>();
  /** The checkpoints that the library wrote. */
  readonly #positions = new Map<string, number>();

  constructor(context: SimContext) {
    this.#context = context;
  }

  /**
   * Checkpoints may have changed without the library. What was settled stays so, whatever a crash
   * made of its bytes.
   */
  forget(): void {
    this.#positions.clear();
  }

  /** A file is about to be replaced. */
  beforeReplace(process: ProcessView, path: string, text: string): void {
    if (!path.endsWith(".checkpoint")) return;
    const base = path.slice(0, -".checkpoint".length);
    this.#checkLease(process, base, `moved the checkpoint to ${text}`);
    const before = this.#positions.get(base) ?? 0;
    if (Number(text) < before && !process.suspect) {
      this.#context.violate("checkpoint", `${base}: went back from ${before} to ${text}`);
    }
  }

  /** A file was replaced. */
  afterReplace(path: string): void {
    if (!path.endsWith(".checkpoint")) return;
    const base = path.slice(0, -".checkpoint".length);
    const to = Number(this.#context.ledger.read(path) ?? "0");
    this.#positions.set(base, to);
    for (const line of this.#unsettled(base, to)) {
      this.#context.violate("checkpoint", `${base}: ${to} is past ${show(line)}`);
    }
    const data = this.#context.ledger.bytes(`${base}.jsonl`) ?? new Uint8Array(0);
    for (const { text } of linesOf(data, 0, to)) {
      const record = this.#context.ledger.findLine(text);
      if (record) record.checkpointed = true;
    }
  }

  /** A file is about to be removed. */
  beforeRemove(process: ProcessView, path: string): void {
    if (!path.endsWith(".jsonl")) return;
    const size = this.#context.ledger.bytes(path)?.length ?? 0;
    if (size === 0) return;
    const base = path.slice(0, -".jsonl".length);
    this.#checkLease(process, base, "removed the log");
    for (const line of this.#unsettled(base, size)) this.#checkRemoved(process, base, line);
  }

  #checkRemoved(process: ProcessView, base: string, line: Line): void {
    const record = this.#context.ledger.findLine(line.text);
    // Its writer found out that it was presumed dead, and has the record in a later segment or, if
    // the disk failed it, in memory.
    if (record?.copied && record.segment !== base) return;
    if (record?.memory && this.#context.ledger.bytes(`${base}.fence`) !== null) return;
    // What could neither be finished nor taken back is in memory, or nobody's record.
    if (!(record?.accepted && !record.memory) && this.#context.past.fragments.has(base)) return;
    if (process.mayDropOldest) {
      process.removed++;
      if (record) record.excuse = "drop-oldest";
      return;
    }
    this.#context.violate("removed", `${base}: with ${show(line)}`);
  }

  /** The lines of a segment before `to` that are neither delivered nor dead-lettered. */
  #unsettled(base: string, to: number): Line[] {
    const { ledger } = this.#context;
    const from = this.#settled.get(base) ?? 0;
    if (to <= from) return [];
    const data = ledger.bytes(`${base}.jsonl`) ?? new Uint8Array(0);
    const lines = linesOf(data, from, to);
    this.#settled.set(base, to);
    // A crash may have taken the end of the line in front: what follows is a part of that one now.
    if (from > 0 && data[from - 1] !== NEWLINE) lines.shift();
    let deadLetters: ReadonlySet<number> | undefined;
    return lines.filter(({ offset, text }) => {
      const record = ledger.findLine(text);
      // A dead letter may be taken, to be sent again.
      if (record?.answered || record?.retried) return false;
      // A copy is sent once with the record that it repeats, and so is rejected with it.
      if (record?.copied && record.letteredAt !== null) return false;
      deadLetters ??= offsetsOf(ledger.deadLetters(`${base}.deadletter`).deadLetters);
      if (deadLetters.has(offset)) return false;
      // A crash may leave a byte in place of a newline: the record is sent, the rest is dead-lettered.
      const head = ledger.records.find(({ line, answered }) => answered && text.startsWith(line));
      return !head || !deadLetters.has(offset + encoder.encode(head.line).length);
    });
  }

  #checkLease(process: ProcessView, base: string, what: string): void {
    const { ledger, violate } = this.#context;
    if (!mayDrain(ledger, base, process.token)) {
      violate("lease", `process ${process.id} ${what} of ${base} without its lease`);
    }
  }
}

/** The lines of `bytes[from, to)`; `from` is the start of one. Empty ones are left out. */
export function linesOf(bytes: Uint8Array, from: number, to: number): Line[] {
  const lines: Line[] = [];
  for (let at = from; at < Math.min(to, bytes.length);) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline === -1 || newline > to ? Math.min(to, bytes.length) : newline;
    if (end > at) lines.push({ offset: at, text: decoder.decode(bytes.subarray(at, end)) });
    at = end + 1;
  }
  return lines;
}

function offsetsOf(deadLetters: readonly DeadLetter[]): ReadonlySet<number> {
  return new Set(deadLetters.map(({ offset }) => offset));
}

function show({ offset, text }: Line): string {
  return `the line at ${offset}: ${text.length > 120 ? `${text.slice(0, 120)}…` : text}`;
}
