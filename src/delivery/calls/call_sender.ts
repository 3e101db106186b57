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

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { Window } from "../../wal/record/record_batch.ts";
import { CALL_BATCH_PATH, v2CallPath, type V2CallRoute } from "../../protocol/endpoints.ts";
import { type BatchItem, corruptLetter, sendBatch } from "../records/bisect_batch.ts";
import { batchBody, bytesOf, extendedBatch, SpareBodies } from "../records/request_body.ts";
import { readCall, textField, V2_END_FIELDS } from "./call_fields.ts";
import { callKey, type CallRecord, completeItem, readCalls, upsertItem } from "./call_record.ts";
import type { CarriedStarts } from "./pending_starts.ts";
import type { Delivery } from "../prepared_delivery.ts";
import type { Refusal, Verdict } from "../http/send_with_retry.ts";
import { withoutFields } from "./json_splice.ts";
import { pooled } from "../async/run_concurrently.ts";
import { sortCalls, type SortedCalls, sortWindow } from "./paired_calls.ts";
import { canOverwrite, upsertBody, upsertBodyInPlace } from "./upsert_body.ts";

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

/** What goes out with one window, whichever path it takes in the end. */
interface Load {
  /** The path that it was made ready for. */
  readonly path: CallPathName;
  /** Whether it holds no end without its start. */
  readonly independent: boolean;
  /** All of it in one body, for `batch`. */
  readonly upsert: Uint8Array<ArrayBuffer> | null;
  /** Whether that is memory of its own. */
  readonly isCopy: boolean;
  /** The same for `complete`. */
  readonly sorted: SortedCalls | null;
  /** The same for any path: calls in order, those that waited first. */
  readonly all: () => Promise<{ calls: CallRecord[]; letters: DeadLetter[] }>;
}

class WrongPath extends Error {
  constructor(readonly to: CallPathName, message: string) {
    super(message);
  }
}

const CLOSE = bytesOf("}");
const END_OPEN = bytesOf('{"end":');
const NEEDS_COMPLETE = "CALLS_COMPLETE_MODE_REQUIRED";
/** Starts sent alone that are remembered for their ends, at most. */
const MAX_OPEN = 10_000;

/** Delivers starts and ends, and keeps track of the path that the server takes them on. */
export class CallPath {
  readonly #options: CallPathOptions;
  #path: CallPathName;
  /** Whether the path was switched and nothing was delivered since. */
  #unproven = false;
  readonly #bodies = new SpareBodies();
  /** What ends in logs of others lack of their starts, for a v2 end. */
  readonly #open = new Map<string, Uint8Array>();

  /** Makes a path that begins where `useCallsComplete` says. */
  constructor(options: CallPathOptions) {
    this.#options = options;
    this.#path = options.useCallsComplete ? "complete" : "batch";
  }

  /**
   * Makes ready to deliver the calls among the records of a window.
   *
   * @param send Sends one request.
   * @param carried Starts that wait for their ends: some go out now, others come to them.
   * @param wait Whether starts without ends may wait.
   */
  prepare(window: Window, send: Send, carried: CarriedStarts, wait: boolean): Delivery {
    const load = this.#path === "batch"
      ? this.#loadUpsert(window, carried)
      : this.#loadComplete(window, carried, wait);
    return { independent: load.independent, send: () => this.#deliver(load, send) };
  }

  #loadUpsert(window: Window, carried: CarriedStarts): Load {
    const waited = carried.takeAll();
    const overwrites = waited.length === 0 && canOverwrite(window);
    let upsert: Load["upsert"] = null;
    if (overwrites) upsert = upsertBodyInPlace(window);
    else if (waited.length === 0) upsert = upsertBody(window, this.#bodies.take());
    let restored: Promise<void> | undefined;
    return {
      path: "batch",
      independent: !window.has("call_end"),
      upsert,
      isCopy: !overwrites,
      sorted: null,
      all: async () => {
        if (overwrites) await (restored ??= window.restore!());
        return allOf(window, waited, NONE);
      },
    };
  }

  #loadComplete(window: Window, carried: CarriedStarts, wait: boolean): Load {
    const { groups, lone, letters } = sortWindow(window, this.#bodies.take());
    const waited: CallRecord[] = [];
    const waiting = new Set<number>();
    const alone: CallRecord[] = [];
    const joined = new Map<string, BatchItem[]>();
    for (const call of lone) {
      if (call.record.type === "call_start") {
        if (wait && carried.add(call)) waiting.add(call.record.offset);
        else alone.push(call);
        continue;
      }
      const start = carried.take(call);
      if (start === undefined) {
        alone.push(call);
        continue;
      }
      waited.push(start);
      const { projectId } = call.parts;
      joined.set(projectId, [...joined.get(projectId) ?? [], completeItem(start, call)]);
    }
    // Nothing that begins in this window is due, and what is sent alone goes out before its end.
    const due = wait ? carried.takeDue() : carried.takeAll();
    waited.push(...due);
    const sorted = {
      groups: withItems(groups, joined),
      lone: [...due, ...alone],
      letters,
    };
    return {
      path: "complete",
      independent: alone.every(({ record }) => record.type === "call_start"),
      upsert: null,
      isCopy: true,
      sorted,
      all: () => Promise.resolve(allOf(window, waited, waiting)),
    };
  }

  async #deliver(load: Load, send: Send): Promise<DeadLetter[]> {
    for (let first = true;; first = false) {
      // Later, bodies that were answered belong to other windows.
      const prepared = first && this.#path === load.path;
      try {
        if (this.#path === "complete") {
          return await this.#complete((prepared && load.sorted) || await sortedAll(load), send);
        }
        return await this.#upsert(prepared ? load.upsert : null, load, send);
      } catch (error) {
        if (!(error instanceof WrongPath)) throw error;
        if (this.#path === error.to) continue;
        this.#unproven = true;
        this.#path = error.to;
        this.#options.onSwitch(error.to, error.message);
      }
    }
  }

  async #upsert(
    whole: Uint8Array<ArrayBuffer> | null,
    load: Load,
    send: Send,
  ): Promise<DeadLetter[]> {
    if (whole !== null && (await this.#postUpsert(whole, send)).kind === "done") {
      if (load.isCopy) this.#bodies.give(whole);
      return [];
    }
    const { calls, letters } = await load.all();
    const refused = await sendBatch(
      calls.map(upsertItem),
      (some) => this.#postUpsert(batchBody(some.map(({ pieces }) => pieces)), send),
    );
    return [...letters, ...refused];
  }

  async #postUpsert(body: Uint8Array<ArrayBuffer>, send: Send): Promise<Verdict> {
    const verdict = await send(CALL_BATCH_PATH, body, {
      // Two paths that refuse each other are tried in turn, one a probe; a path that another window
      // has left meanwhile holds nobody.
      holdOn: (refusal) =>
        this.#path === "batch" &&
        (isMissing(refusal) || (this.#unproven && refusal.errorCode === NEEDS_COMPLETE)),
    });
    if (verdict.kind === "refused") {
      if (verdict.errorCode === NEEDS_COMPLETE) throw new WrongPath("complete", NEEDS_COMPLETE);
      if (isMissing(verdict)) {
        throw new WrongPath("complete", `HTTP ${verdict.status}: the server has no older path`);
      }
    }
    if (verdict.kind === "done") this.#unproven = false;
    return verdict;
  }

  async #complete({ groups, lone, letters }: SortedCalls, send: Send): Promise<DeadLetter[]> {
    const tasks: (() => Promise<DeadLetter[]>)[] = [];
    for (const { projectId, body, items } of groups) {
      tasks.push(async () => {
        if (body) {
          const verdict = await this.#sendV2(projectId, "calls/complete", body, send);
          if (verdict.kind === "done") {
            this.#bodies.give(body);
            return [];
          }
        }
        return await sendBatch(
          items(),
          (some) => {
            const part = batchBody(some.map(({ pieces }) => pieces));
            return this.#sendV2(projectId, "calls/complete", part, send);
          },
          (records) => this.#apart(records, send),
        );
      });
    }
    for (const call of lone) tasks.push(() => this.#sendAlone(call, send));
    return [...letters, ...(await pooled(tasks, this.#options.maxInFlight)).flat()];
  }

  /** A start and its end that were refused as one: only one of them may be at fault. */
  async #apart(records: BatchItem["records"], send: Send): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (const record of records) {
      const parts = readCall(record);
      if (parts) letters.push(...await this.#sendAlone({ record, parts }, send));
      else letters.push(corruptLetter(record));
    }
    return letters;
  }

  #sendAlone(call: CallRecord, send: Send): Promise<DeadLetter[]> {
    const { record, parts } = call;
    const isStart = record.type === "call_start";
    if (isStart) this.#remember(call);
    const pieces = isStart ? [requestOf(call)] : this.#v2End(call);
    const body = joinedBytes(pieces);
    return sendBatch(
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
    const verdict = await send(v2CallPath(entity, project, route), body, {
      holdOn: (refusal) => this.#unproven && this.#path === "complete" && isMissing(refusal),
    });
    if (verdict.kind === "done") this.#unproven = false;
    if (verdict.kind === "refused" && isMissing(verdict)) {
      throw new WrongPath("batch", `HTTP ${verdict.status}: the server has no v2 path`);
    }
    return verdict;
  }

  /** Keeps what an end in another SDK's log will lack. Ends in our own logs carry it. */
  #remember(call: CallRecord): void {
    const { record: { bytes }, parts: { objectStart, objectEnd } } = call;
    const fields = V2_END_FIELDS.map((name) =>
      `,${JSON.stringify(name)}:${JSON.stringify(textField(bytes, objectStart, objectEnd, name))}`
    );
    this.#open.set(callKey(call), bytesOf(fields.join("")));
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
  }

  #v2End(call: CallRecord): Uint8Array[] {
    const { record: { bytes }, parts } = call;
    const fields = this.#open.get(callKey(call));
    this.#open.delete(callKey(call));
    if (parts.behindStartedAt !== -1 || fields === undefined) return [requestOf(call)];
    const bare = withoutFields(bytes, parts.objectStart, parts.objectEnd, V2_END_FIELDS);
    return [END_OPEN, bare.subarray(0, -1), fields, CLOSE, CLOSE];
  }
}

const NONE: ReadonlySet<number> = new Set();

/** Whether the server has no such path. */
export function isMissing({ status }: { status: number }): boolean {
  return status === 404 || status === 405;
}

async function sortedAll(load: Load): Promise<SortedCalls> {
  const { calls, letters } = await load.all();
  return sortCalls(calls, letters);
}

/** The calls that go out with a window: those that waited, and its own but for those that wait. */
function allOf(
  window: Window,
  waited: readonly CallRecord[],
  waiting: ReadonlySet<number>,
): { calls: CallRecord[]; letters: DeadLetter[] } {
  const { calls, letters } = readCalls(window);
  const going = calls.filter(({ record }) => !waiting.has(record.offset));
  return { calls: [...waited, ...going], letters };
}

function withItems(
  groups: SortedCalls["groups"],
  joined: ReadonlyMap<string, readonly BatchItem[]>,
): SortedCalls["groups"] {
  if (joined.size === 0) return groups;
  const all = new Map(groups.map((group) => [group.projectId, group]));
  for (const [projectId, more] of joined) {
    const group = all.get(projectId);
    all.set(projectId, {
      projectId,
      body: group?.body ? extendedBatch(group.body, more.map(({ pieces }) => pieces)) : null,
      items: () => [...group?.items() ?? [], ...more],
    });
  }
  return [...all.values()];
}

function requestOf({ record: { bytes, start, end } }: CallRecord): Uint8Array {
  return bytes.subarray(start, end);
}

function joinedBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
