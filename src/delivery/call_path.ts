/**
 * Calls on their way: complete calls through the v2 path, or starts and ends through
 * `/call/upsert_batch`.
 *
 * A project whose calls were first written complete refuses the older path with
 * `CALLS_COMPLETE_MODE_REQUIRED`; an older server has no v2 path (404, 405). Either way the path is
 * switched and everything in hand is sent again: both paths are idempotent by call id.
 *
 * @module
 */

import type { DeadLetter } from "../wal/segment.ts";
import type { Window, WindowRecord } from "../wal/window.ts";
import { CALL_BATCH_PATH, v2CallPath, type V2CallRoute } from "../weave/endpoints.ts";
import { type BatchItem, corruptLetter, sendBatch } from "./batch.ts";
import { batchBody, bytesOf, SpareBodies } from "./body.ts";
import {
  type CallParts,
  endRest,
  NO_V1_END_FIELDS,
  readCall,
  textField,
  V2_END_FIELDS,
} from "./call_bytes.ts";
import { type CompleteCalls, completeCalls } from "./complete_body.ts";
import type { Refusal, Verdict } from "./exchange.ts";
import { withoutFields } from "./json_cut.ts";
import { pooled } from "./pool.ts";
import { upsertBody } from "./upsert_body.ts";

/** Sends one request until the server decides. */
export type Send = (
  path: string,
  body: Uint8Array<ArrayBuffer> | FormData,
  options?: { holdOn?: (refusal: Refusal) => boolean },
) => Promise<Verdict>;

/** Which way calls go. */
export type CallPathName = "complete" | "batch";

/** What a call path is made from. */
export interface CallPathOptions {
  /** Where to begin: complete calls (`true`) or the older path. */
  readonly useCallsComplete: boolean;
  /** Requests under way at once. */
  readonly maxInFlight: number;
  /** Told when the path is switched, and why. */
  readonly onSwitch: (to: CallPathName, reason: string) => void;
}

interface CallRecord {
  readonly record: WindowRecord;
  readonly parts: CallParts;
}

/** The calls of a window, sorted for the v2 path. */
interface SortedCalls {
  readonly pairs: readonly {
    readonly projectId: string;
    /** All of them as one request, where that is at hand. */
    readonly body: Uint8Array<ArrayBuffer> | null;
    readonly items: () => BatchItem[];
  }[];
  readonly lone: readonly CallRecord[];
  readonly letters: readonly DeadLetter[];
}

class WrongPath extends Error {
  constructor(readonly to: CallPathName, message: string) {
    super(message);
  }
}

const MODE_START = bytesOf('{"mode":"start","req":');
const MODE_END = bytesOf('{"mode":"end","req":');
const CLOSE = bytesOf("}");
const END_OPEN = bytesOf('{"end":');
const NEEDS_COMPLETE = "CALLS_COMPLETE_MODE_REQUIRED";
/** Starts whose ends are awaited, at most. */
const MAX_OPEN = 10_000;
/** Switches after which the two paths are taken to refuse each other, and the older one is held. */
const MAX_SWITCHES = 4;

/** Delivers starts and ends, and keeps track of the path that the server takes them on. */
export class CallPath {
  readonly #options: CallPathOptions;
  #path: CallPathName;
  #switches = 0;
  readonly #bodies = new SpareBodies();
  /** Starts sent alone whose ends, in logs of others, lack what a v2 end needs. */
  readonly #open = new Map<string, Uint8Array>();

  /** Makes a path that begins where `useCallsComplete` says. */
  constructor(options: CallPathOptions) {
    this.#options = options;
    this.#path = options.useCallsComplete ? "complete" : "batch";
  }

  /**
   * Makes ready to deliver the calls among the records of a window: what takes time without waiting
   * is done here, while the window before this one is under way.
   *
   * @param send Sends one request.
   * @returns Delivers them, in order, and returns the records that it could not, with the reasons.
   */
  prepare(window: Window, send: Send): () => Promise<DeadLetter[]> {
    const path = this.#path;
    const spare = this.#bodies.take();
    if (path === "batch") {
      const body = upsertBody(window, spare);
      return () => this.#deliver(window, send, path, () => this.#upsert(window, body, send));
    }
    const calls = completeCalls(window, spare);
    return () => this.#deliver(window, send, path, () => this.#complete(window, calls, send));
  }

  async #deliver(
    window: Window,
    send: Send,
    preparedFor: CallPathName,
    deliver: () => Promise<DeadLetter[]>,
  ): Promise<DeadLetter[]> {
    try {
      if (this.#path === preparedFor) return await deliver();
    } catch (error) {
      if (!(error instanceof WrongPath)) throw error;
      this.#switch(error);
    }
    return await this.prepare(window, send)();
  }

  #switch({ to, message }: WrongPath): void {
    if (this.#path === to) return;
    this.#switches++;
    this.#path = to;
    this.#options.onSwitch(to, message);
  }

  async #upsert(
    window: Window,
    whole: Uint8Array<ArrayBuffer> | null,
    send: Send,
  ): Promise<DeadLetter[]> {
    if (whole !== null && (await this.#postUpsert(whole, send)).kind === "done") {
      this.#bodies.give(whole);
      return [];
    }
    const { calls, letters } = readCalls(window);
    const items = calls.map(({ record, parts }): BatchItem => {
      const { start, end, type } = record;
      if (type === "call_start") {
        return {
          records: [record],
          pieces: [MODE_START, window.bytes.subarray(start, end), CLOSE],
        };
      }
      return {
        records: [record],
        pieces: [MODE_END, ...v1End(window.bytes, record, parts), CLOSE],
      };
    });
    const refused = await sendBatch(
      window.bytes,
      items,
      (some) => this.#postUpsert(batchBody(some.map(({ pieces }) => pieces)), send),
    );
    return [...letters, ...refused];
  }

  async #postUpsert(body: Uint8Array<ArrayBuffer>, send: Send): Promise<Verdict> {
    const mayWait = this.#switches >= MAX_SWITCHES;
    const verdict = await send(CALL_BATCH_PATH, body, {
      holdOn: (refusal) => isMissing(refusal) || (mayWait && refusal.errorCode === NEEDS_COMPLETE),
    });
    if (verdict.kind === "refused" && verdict.errorCode === NEEDS_COMPLETE) {
      throw new WrongPath("complete", verdict.errorCode);
    }
    return verdict;
  }

  async #complete(
    window: Window,
    known: CompleteCalls | null,
    send: Send,
  ): Promise<DeadLetter[]> {
    const { bytes } = window;
    const { pairs, lone, letters } = known ? ofOneProject(window, known) : pairUp(window);
    const tasks: (() => Promise<DeadLetter[]>)[] = [];
    for (const { projectId, body, items } of pairs) {
      tasks.push(async () => {
        if (body) {
          const verdict = await this.#sendV2(projectId, "calls/complete", body, send);
          if (verdict.kind === "done") {
            this.#bodies.give(body);
            return [];
          }
        }
        return await sendBatch(bytes, items(), (some) => {
          const part = batchBody(some.map(({ pieces }) => pieces));
          return this.#sendV2(projectId, "calls/complete", part, send);
        });
      });
    }
    for (const call of lone) tasks.push(() => this.#sendAlone(bytes, call, send));
    return [...letters, ...(await pooled(tasks, this.#options.maxInFlight)).flat()];
  }

  #sendAlone(
    bytes: Window["bytes"],
    { record, parts }: CallRecord,
    send: Send,
  ): Promise<DeadLetter[]> {
    const isStart = record.type === "call_start";
    const request = bytes.subarray(record.start, record.end);
    let pieces: Uint8Array[] = [request];
    if (isStart) this.#remember(bytes, parts);
    else pieces = this.#v2End(bytes, record, parts);
    const body = joined(pieces);
    return sendBatch(
      bytes,
      [{ records: [record], pieces }],
      () => this.#sendV2(parts.projectId, isStart ? "call/start" : "call/end", body, send),
    );
  }

  async #sendV2(
    projectId: string,
    route: V2CallRoute,
    body: Uint8Array<ArrayBuffer>,
    send: Send,
  ): Promise<Verdict> {
    const [entity, project = ""] = projectId.split("/");
    const verdict = await send(v2CallPath(entity, project, route), body);
    if (verdict.kind === "refused" && isMissing(verdict)) {
      throw new WrongPath("batch", `HTTP ${verdict.status}: the server has no v2 path`);
    }
    return verdict;
  }

  /** Keeps what an end in another SDK's log will lack. Ends in our own logs carry it. */
  #remember(bytes: Window["bytes"], parts: CallParts): void {
    const { objectStart, objectEnd } = parts;
    const fields = V2_END_FIELDS.map((name) =>
      `,${JSON.stringify(name)}:${JSON.stringify(textField(bytes, objectStart, objectEnd, name))}`
    );
    this.#open.set(`${parts.projectId}\0${parts.id}`, bytesOf(fields.join("")));
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
  }

  #v2End(bytes: Window["bytes"], record: WindowRecord, parts: CallParts): Uint8Array[] {
    const key = `${parts.projectId}\0${parts.id}`;
    const fields = this.#open.get(key);
    this.#open.delete(key);
    if (parts.behindStartedAt !== -1 || fields === undefined) {
      return [bytes.subarray(record.start, record.end)];
    }
    const bare = withoutFields(bytes, parts.objectStart, parts.objectEnd, V2_END_FIELDS);
    return [END_OPEN, bare.subarray(0, -1), fields, CLOSE, CLOSE];
  }
}

/** Whether the server has no such path. */
export function isMissing({ status }: { status: number }): boolean {
  return status === 404 || status === 405;
}

/** An end without the fields that only the v2 path knows. */
function v1End(bytes: Window["bytes"], record: WindowRecord, parts: CallParts): Uint8Array[] {
  if (parts.behindStartedAt !== -1) {
    return [
      bytes.subarray(record.start, parts.behindId),
      bytes.subarray(parts.behindStartedAt, record.end),
    ];
  }
  return [
    END_OPEN,
    withoutFields(bytes, parts.objectStart, parts.objectEnd, NO_V1_END_FIELDS),
    CLOSE,
  ];
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

function readCalls(window: Window): { calls: CallRecord[]; letters: DeadLetter[] } {
  const calls: CallRecord[] = [];
  const letters: DeadLetter[] = [];
  for (const record of window.records((type) => type === "call_start" || type === "call_end")) {
    const parts = readCall(window.bytes, record);
    if (parts) calls.push({ record, parts });
    else letters.push(corruptLetter(window.bytes, record));
  }
  return { calls, letters };
}

function ofOneProject(window: Window, calls: CompleteCalls): SortedCalls {
  const callAt = (index: number): CallRecord => {
    const record = window.record(index);
    return { record, parts: readCall(window.bytes, record)! };
  };
  const items = (): BatchItem[] => {
    const found: BatchItem[] = [];
    for (let i = 0; i < calls.pairs.length; i += 2) {
      found.push(joinedCall(window.bytes, callAt(calls.pairs[i]), callAt(calls.pairs[i + 1])));
    }
    return found;
  };
  const { projectId, body } = calls;
  return {
    pairs: body === null ? [] : [{ projectId, body, items }],
    lone: calls.lone.map(callAt),
    letters: [],
  };
}

/** The same for any layout and any number of projects. */
function pairUp(window: Window): SortedCalls {
  const { calls, letters } = readCalls(window);
  const starts = new Map<string, CallRecord>();
  const items = new Map<string, BatchItem[]>();
  const lone: CallRecord[] = [];
  for (const call of calls) {
    const { projectId, id } = call.parts;
    const key = `${projectId}\0${id}`;
    const start = starts.get(key);
    if (call.record.type === "call_start" && start === undefined) {
      starts.set(key, call);
    } else if (call.record.type === "call_start" || start === undefined) {
      lone.push(call);
    } else {
      starts.delete(key);
      const ofProject = items.get(projectId) ?? [];
      items.set(projectId, ofProject);
      ofProject.push(joinedCall(window.bytes, start, call));
    }
  }
  return {
    pairs: [...items].map(([projectId, found]) => ({ projectId, body: null, items: () => found })),
    lone: [...starts.values(), ...lone],
    letters,
  };
}

function joinedCall(bytes: Window["bytes"], start: CallRecord, end: CallRecord): BatchItem {
  const { objectStart, objectEnd } = start.parts;
  return {
    records: [start.record, end.record],
    pieces: [bytes.subarray(objectStart, objectEnd - 1), endRest(bytes, end.parts)],
  };
}
