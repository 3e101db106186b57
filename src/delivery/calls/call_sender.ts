/**
 * Sends calls: complete ones through the v2 calls API, or starts and ends through
 * `/call/upsert_batch`.
 * If a project's first calls were written complete, the server rejects the v1 batch API with
 * `CALLS_COMPLETE_MODE_REQUIRED`; an older server has no v2 routes. In both cases the sender
 * switches the API and sends everything in flight again: both APIs are idempotent by call id.
 * @module
 */

import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { RecordBatch } from "../../wal/record/record_batch.ts";
import { CALL_BATCH_PATH, v2CallPath, type V2CallRoute } from "../../protocol/endpoints.ts";
import type { Mark } from "../http/evidence.ts";
import type { SendOptions, SendOutcome } from "../http/send_with_retry.ts";
import { type BatchItem, type BatchSender, sendBisecting } from "../records/bisect_batch.ts";
import { blame, corruptDeadLetter } from "../records/dead_letters.ts";
import { batchBody, BufferPool, joinedBytes } from "../records/request_body.ts";
import { runConcurrently } from "../async/run_concurrently.ts";
import type { Delivery } from "../prepared_delivery.ts";
import { readCall } from "./call_fields.ts";
import {
  type CallRouteName,
  halvesOf,
  type Load,
  loadComplete,
  loadUpsert,
  sortedAll,
} from "./call_load.ts";
import { buildItems, callKey, type CallRecord, upsertItem } from "./call_record.ts";
import { OpenCalls } from "./open_calls.ts";
import type { SortedCalls } from "./paired_calls.ts";
import type { PendingCalls } from "./pending_calls.ts";
import type { LoadContext, Round, SendContext } from "./send_context.ts";
import { lookUpStart } from "./start_lookup.ts";

/** Options for {@linkcode CallSender}. */
export interface CallSenderOptions {
  /** Begins with the v2 calls API. */
  readonly useCallsComplete: boolean;
  /** Maximum number of requests in flight. */
  readonly maxInFlight: number;
  /** Called when the API is switched, with the reason. */
  readonly onSwitch: (to: CallRouteName, reason: string) => void;
}

class RouteRejected extends Error {
  constructor(readonly to: CallRouteName, message: string) {
    super(message);
  }
}

/**
 * Number of switches after which a load is split: the server's response may concern only one of its
 * calls.
 */
const MAX_SWITCHES = 4;
const NEEDS_COMPLETE = "CALLS_COMPLETE_MODE_REQUIRED";

/** Delivers starts and ends, and remembers which API the server accepts. */
export class CallSender {
  readonly #options: CallSenderOptions;
  #path: CallRouteName;
  /** Whether nothing was delivered since the API was switched. */
  #untested = false;
  readonly #bodies = new BufferPool();
  readonly #open = new OpenCalls();

  /** Creates a sender that begins with the API selected by `useCallsComplete`. */
  constructor(options: CallSenderOptions) {
    this.#options = options;
    this.#path = options.useCallsComplete ? "complete" : "batch";
  }

  /**
   * Prepares the delivery of the calls among the records of a batch.
   * @param pending Calls waiting for their other half: due ones are sent now, new ones are added.
   * @param wait Whether starts without ends may wait.
   */
  prepare(
    batch: RecordBatch,
    context: SendContext,
    pending: PendingCalls,
    wait: boolean,
  ): Pick<Delivery, "independent" | "send"> {
    if (pending.hasRepeats) context.delivered.foundRepeat();
    const load = this.#path === "batch"
      ? loadUpsert(batch, pending, this.#bodies)
      : loadComplete(batch, pending, { wait, started: this.#open }, this.#bodies);
    const isHeld = (end: CallRecord): boolean => pending.ends.has(end);
    // After a switch of the API the same ends are sorted again, some of them held before.
    const held = new Set<string>();
    const hold = (end: CallRecord): boolean => {
      const key = callKey(end);
      if (this.#open.has(end) || !(held.has(key) || pending.ends.hold(end))) return false;
      held.add(key);
      return true;
    };
    return {
      independent: load.independent,
      send: () => this.#deliver(load, { ...context, isHeld, hold }),
    };
  }

  async #deliver(load: Load, context: LoadContext): Promise<DeadLetter[]> {
    for (let first = true, switches = 0;; first = false) {
      // In later rounds, the prepared bodies may have been reused for other batches.
      const prepared = first && this.#path === load.path;
      const round = { ...context, suspects: context.newSuspects() };
      try {
        return await round.suspects.settle(async () =>
          this.#path === "complete"
            ? await this.#complete(
              (prepared && load.sorted) || await sortedAll(load, round.hold),
              round,
            )
            : await this.#upsert(prepared ? load.upsert : null, load, round)
        );
      } catch (error) {
        if (!(error instanceof RouteRejected)) throw error;
        if (++switches >= MAX_SWITCHES) {
          const halves = await halvesOf(load);
          if (halves) {
            const [deadLetters, ...parts] = halves;
            for (const part of parts) deadLetters.push(...await this.#deliver(part, context));
            return deadLetters;
          }
        }
        if (this.#path === error.to) continue;
        this.#untested = true;
        this.#path = error.to;
        this.#options.onSwitch(error.to, error.message);
      }
    }
  }

  async #upsert(
    whole: Uint8Array<ArrayBuffer> | null,
    load: Load,
    round: Round,
  ): Promise<DeadLetter[]> {
    let verdict: SendOutcome | undefined;
    if (whole !== null) {
      verdict = await this.#postUpsert(whole, round, { tries: "several" });
      if (verdict.kind === "done") {
        round.delivered.addLater(load.offsets);
        if (load.isCopy) this.#bodies.give(whole);
        return [];
      }
    }
    const { calls, deadLetters } = await load.all();
    const built = buildItems(calls, ({ record }) => [record], upsertItem);
    const sender: BatchSender = {
      post: (some, options) => this.#postUpsert(bodyOf(some), round, options),
      suspects: round.suspects,
    };
    const bad = [...deadLetters, ...built.deadLetters];
    // The server's verdict covered these calls too.
    const known = bad.length === 0 ? verdict : undefined;
    return [...bad, ...await sendBisecting(built.items, sender, known)];
  }

  async #postUpsert(
    body: Uint8Array<ArrayBuffer>,
    { send }: Round,
    options: SendOptions,
  ): Promise<SendOutcome> {
    const verdict = await send(CALL_BATCH_PATH, body, {
      ...options,
      // If the APIs reject each other's calls, they alternate, one per probe. An API that another
      // batch has abandoned in the meantime does not hold.
      holdOn: ({ missing, errorCode }) =>
        this.#path === "batch" && this.#untested && (missing || errorCode === NEEDS_COMPLETE),
    });
    if (verdict.kind === "refused") {
      if (verdict.errorCode === NEEDS_COMPLETE) throw new RouteRejected("complete", NEEDS_COMPLETE);
      if (verdict.missing) {
        const reason = `HTTP ${verdict.status}: the server has no v1 batch API`;
        throw new RouteRejected("complete", reason);
      }
    }
    if (verdict.kind === "done") this.#untested = false;
    return verdict;
  }

  async #complete(
    { groups, lone, sequences, deadLetters, hasRepeats }: SortedCalls,
    round: Round,
  ): Promise<DeadLetter[]> {
    if (hasRepeats) round.delivered.foundRepeat();
    const tasks: (() => Promise<DeadLetter[]>)[] = [];
    for (const { projectId, body, items, offsets } of groups) {
      const post = (part: Uint8Array<ArrayBuffer>, options: SendOptions) =>
        this.#sendV2(projectId, "calls/complete", part, round, options);
      const sender: BatchSender = {
        post: (some, options) => post(bodyOf(some), options),
        apart: (records, since) => this.#apart(records, since, round),
        suspects: round.suspects,
      };
      tasks.push(async () => {
        let verdict: SendOutcome | undefined;
        if (body) {
          verdict = await post(body, { tries: "several" });
          if (verdict.kind === "done") {
            round.delivered.addLater(offsets);
            this.#bodies.give(body);
            return [];
          }
        }
        const built = items();
        // The server's verdict covered these calls too.
        const known = built.deadLetters.length === 0 ? verdict : undefined;
        return [...built.deadLetters, ...await sendBisecting(built.items, sender, known)];
      });
    }
    for (const call of lone) tasks.push(() => this.#sendAlone(call, round));
    for (const records of sequences) {
      tasks.push(async () => {
        const refused: DeadLetter[] = [];
        for (const call of records) refused.push(...await this.#sendAlone(call, round));
        return refused;
      });
    }
    return [...deadLetters, ...(await runConcurrently(tasks, this.#options.maxInFlight)).flat()];
  }

  /** Sends a rejected start and its end separately: only one of them may be at fault. */
  async #apart(
    records: BatchItem["records"],
    since: Mark,
    round: Round,
  ): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    for (const record of records) {
      const parts = readCall(record);
      const cause = deadLetters[0];
      if (!parts) deadLetters.push(corruptDeadLetter(record));
      else {
        const own = await this.#sendAlone({ record, parts }, round, since);
        deadLetters.push(...own.map((deadLetter) => blame(deadLetter, cause)));
      }
    }
    return deadLetters;
  }

  async #sendAlone(
    call: CallRecord,
    round: Round,
    since?: Mark,
  ): Promise<DeadLetter[]> {
    const { record, parts: { projectId } } = call;
    const isStart = record.type === "call_start";
    let body: Uint8Array<ArrayBuffer> | undefined;
    return await sendBisecting([{ records: [record], pieces: [], key: callKey(call) }], {
      post: async (_, options) => {
        if (body === undefined && !isStart && this.#open.lacksStart(call)) {
          const isHeld = round.isHeld(call);
          const start = await lookUpStart(call, round.send, { ...options, isHeld });
          if (start.kind === "found") this.#open.found(call, start.fields);
          else if (start.kind !== "unsupported") return start;
        }
        try {
          body ??= joinedBytes(isStart ? this.#open.start(call) : this.#open.end(call));
        } catch (error) {
          return { kind: "unsendable", error };
        }
        const route = isStart ? "call/start" : "call/end";
        return await this.#sendV2(projectId, route, body, round, options);
      },
      suspects: round.suspects,
      ...(since === undefined ? {} : { since }),
    });
  }

  async #sendV2(
    projectId: string,
    route: V2CallRoute,
    body: Uint8Array<ArrayBuffer>,
    { send }: Round,
    options: SendOptions,
  ): Promise<SendOutcome> {
    const [entity, project = ""] = projectId.split("/");
    const verdict = await send(v2CallPath(entity, project, route), body, {
      ...options,
      holdOn: ({ missing }) => missing && this.#untested && this.#path === "complete",
    });
    if (verdict.kind === "done") this.#untested = false;
    if (verdict.kind === "refused" && verdict.missing) {
      throw new RouteRejected("batch", `HTTP ${verdict.status}: the server has no v2 calls API`);
    }
    return verdict;
  }
}

function bodyOf(items: readonly BatchItem[]): Uint8Array<ArrayBuffer> {
  return batchBody(items.map(({ pieces }) => pieces));
}
