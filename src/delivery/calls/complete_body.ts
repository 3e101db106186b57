/**
 * Builds the body of `calls/complete` from a batch, by joining the bytes of starts and their ends.
 * @module
 */

import { RECORD_TYPES } from "../../protocol/record_types.ts";
import type { RecordBatch } from "../../wal/record/record_batch.ts";
import { bytesOf, sized } from "../records/request_body.ts";
import { type CallHead, emptyHead, projectIdOf, readHead } from "./call_fields.ts";
import type { PendingCalls } from "./pending_calls.ts";
import { sameBytes } from "./same_bytes.ts";

const HEAD = bytesOf('{"batch":[');
const COMMA = 44, CLOSE_BRACKET = 93, CLOSE_BRACE = 125;
const CALL_START = RECORD_TYPES.indexOf("call_start");
const CALL_END = RECORD_TYPES.indexOf("call_end");

/** Complete calls of a batch. */
export interface CompleteCalls {
  /** `entity/project` of all of them. */
  readonly projectId: string;
  /** `null` if there is no complete call. */
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Index of each call's start, followed by that of its end. */
  readonly pairs: readonly number[];
  /** Indexes of starts without ends and ends without starts. */
  readonly lone: readonly number[];
}

/**
 * Joins the starts and ends in `batch` that belong together.
 *
 * @param spare Buffer for the body, if it is large enough.
 * @param carried Waiting starts.
 * @returns `null` if a call has another layout than this package's, if it may have more than one
 * start or end, if calls of two projects are in one batch, or if there is no call.
 */
export function completeCalls(
  batch: RecordBatch,
  spare: Uint8Array<ArrayBuffer>,
  carried: Pick<PendingCalls, "mayHave">,
): CompleteCalls | null {
  if (!batch.canonical) return null;
  const { bytes, count, codes, starts, ends } = batch;
  const table = new StartTable(batch);
  const head = emptyHead();
  const lone: number[] = [];
  let project: { start: number; end: number } | null = null;
  for (let index = 0; index < count; index++) {
    const code = codes[index];
    if (code !== CALL_START && code !== CALL_END) continue;
    if (!readHead(bytes, starts[index], ends[index], code === CALL_END, head)) return null;
    project ??= { start: head.projectStart, end: head.projectEnd };
    if (!sameBytes(bytes, project.start, project.end, bytes, head.projectStart, head.projectEnd)) {
      return null;
    }
    const place = code === CALL_START ? table.add(index, head) : table.pair(index, head);
    if (place === "again" || (code === CALL_START && carried.mayHave(head.idHash))) return null;
    if (place === "lone") lone.push(index);
  }
  const projectId = project && projectIdOf(bytes, project.start, project.end);
  if (!projectId) return null;
  const { pairs, size } = table.finish(lone);
  return {
    projectId,
    body: pairs.length === 0 ? null : table.body(pairs, size, spare),
    pairs,
    lone: lone.sort((a, b) => a - b),
  };
}

/** Starts by id, in an open-addressed hash table over typed arrays. */
class StartTable {
  readonly #batch: RecordBatch;
  readonly #slots: Int32Array;
  readonly #mask: number;
  /** By record index: the bounds of its id, and the start of its own fields. */
  readonly #idStarts: Int32Array;
  readonly #idEnds: Int32Array;
  readonly #bodies: Int32Array;
  /** By index of a start: index of its end, or -1. */
  readonly #partners: Int32Array;
  readonly #starts: number[] = [];

  constructor(batch: RecordBatch) {
    this.#batch = batch;
    let slots = 16;
    while (slots < batch.count * 2) slots *= 2;
    this.#slots = new Int32Array(slots).fill(-1);
    this.#mask = slots - 1;
    this.#idStarts = new Int32Array(batch.count);
    this.#idEnds = new Int32Array(batch.count);
    this.#bodies = new Int32Array(batch.count);
    this.#partners = new Int32Array(batch.count).fill(-1);
  }

  /** Adds a start, unless its call already has one. */
  add(index: number, head: CallHead): "taken" | "again" {
    this.#idStarts[index] = head.idStart;
    this.#idEnds[index] = head.idEnd;
    this.#bodies[index] = head.objectStart;
    const slot = this.#slotOf(head);
    if (this.#slots[slot] !== -1) return "again";
    this.#slots[slot] = index;
    this.#starts.push(index);
    return "taken";
  }

  /** Joins an end to its start, unless there is no such start or it already has an end. */
  pair(index: number, head: CallHead): "taken" | "lone" | "again" {
    const start = this.#slots[this.#slotOf(head)];
    if (start === -1) return "lone";
    if (this.#partners[start] !== -1) return "again";
    this.#partners[start] = index;
    this.#bodies[index] = head.behindStartedAt !== -1 ? head.behindStartedAt : head.behindId;
    return "taken";
  }

  /** Returns the pairs and their size in bytes; adds starts without an end to `lone`. */
  finish(lone: number[]): { pairs: number[]; size: number } {
    const { ends } = this.#batch;
    const pairs: number[] = [];
    let size = 0;
    for (const start of this.#starts) {
      const end = this.#partners[start];
      if (end === -1) {
        lone.push(start);
        continue;
      }
      pairs.push(start, end);
      size += ends[start] - 2 - this.#bodies[start] + ends[end] - 1 - this.#bodies[end];
    }
    return { pairs, size };
  }

  body(
    pairs: readonly number[],
    size: number,
    spare: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> {
    const { bytes, ends } = this.#batch;
    const body = sized(spare, HEAD.length + size + pairs.length / 2 - 1 + 2);
    body.set(HEAD);
    let at = HEAD.length;
    for (let i = 0; i < pairs.length; i += 2) {
      if (i > 0) body[at++] = COMMA;
      const start = pairs[i], end = pairs[i + 1];
      // Omit the start's closing brace and the outer braces of {"start":…} and {"end":…}.
      const first = bytes.subarray(this.#bodies[start], ends[start] - 2);
      body.set(first, at);
      at += first.length;
      const rest = bytes.subarray(this.#bodies[end], ends[end] - 1);
      body.set(rest, at);
      at += rest.length;
    }
    body[at] = CLOSE_BRACKET;
    body[at + 1] = CLOSE_BRACE;
    return body;
  }

  #slotOf(head: CallHead): number {
    const { bytes } = this.#batch;
    for (let slot = head.idHash & this.#mask;; slot = (slot + 1) & this.#mask) {
      const index = this.#slots[slot];
      if (index === -1) return slot;
      if (
        sameBytes(
          bytes,
          this.#idStarts[index],
          this.#idEnds[index],
          bytes,
          head.idStart,
          head.idEnd,
        )
      ) return slot;
    }
  }
}
