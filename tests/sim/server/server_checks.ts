/**
 * Checks of the requests that arrive at simulated servers: each comes in order, to the right server,
 * from the one process that may send it, and not again without a reason.
 *
 * @module
 */

import type { Attempt } from "./answers.ts";
import type { SimContext } from "../world/context.ts";
import { mayDrain, type ProcessView, type SimRecord } from "../world/ledger.ts";

/** Checks every request of a run. */
export class ServerChecks {
  readonly #context: SimContext;
  /** The processes that have requests with records of a segment under way, and how many. */
  readonly #senders = new Map<string, Map<ProcessView, number>>();

  constructor(context: SimContext) {
    this.#context = context;
  }

  /** Notes that a server stores a record, and checks what came before it. */
  stored({ request, process, first }: Attempt, record: SimRecord): void {
    const { violate, ledger, trace } = this.#context;
    trace.add(`stored ${record.key}`);
    if (record.server !== null && record.server !== request.server) {
      violate("wrong-server", `${record.key} went to server ${request.server}`);
    }
    const again = record.letteredAt !== null && first > record.letteredAt;
    // A log whose disk failed writes records again: one of the two may be dead-lettered.
    if (again && !record.retried && !process.suspect && !record.origin?.suspect) {
      violate("after-dead-letter", `${record.key} by process ${process.id}`);
    }
    const needed = record.kind === "end"
      ? ["start"]
      : record.kind === "update" || record.kind === "delete"
      ? ["start", "end"]
      : [];
    for (const part of needed) {
      const earlier = ledger.find(`${record.call}:${part}`);
      if (earlier && earlier.order < record.order && !isSettled(earlier)) {
        violate("order", `${record.key} came before ${earlier.key} by process ${process.id}`);
      }
    }
    record.stored = true;
    const isEnd = /:(?:end|cut)$/.test(record.key);
    const others = isEnd ? ["end", "cut"] : [];
    const all = others.map((part) => ledger.find(`${record.call}:${part}`));
    const isSure = !this.#context.past.crashed && all.every((one) => !one?.origin?.troubled);
    if (isSure && all.length === 2 && all.every((one) => one?.stored)) {
      violate("closed-twice", `${record.call} has its own end and one of recovery`);
    }
  }

  /** Nothing that was settled is sent again, and nothing goes to the wrong hands. */
  checkFresh({ request, process }: Attempt): void {
    const { past, violate } = this.#context;
    for (const record of request.records) {
      // A log whose disk failed writes records again, to be on the safe side.
      if (process.suspect || record.memory || record.retried || record.origin?.suspect) continue;
      if (record.checkpointed) {
        violate("resent", `${record.key} by process ${process.id}, past its checkpoint`);
      } else if (record.answered && !past.disturbed) {
        violate("resent", `${record.key} by process ${process.id}, though nothing happened`);
      }
    }
  }

  /**
   * Nobody sends what another has taken over, also not one that was stopped meanwhile. Where the
   * segment is deleted it is unknown whether it was delivered.
   */
  checkLease({ request, process }: Attempt): void {
    const { ledger, violate } = this.#context;
    if (process.troubled) return;
    for (const { key, segment, memory, copied, retried, origin } of request.records) {
      // A dead letter is sent again under a lease of its own.
      if (segment === null || memory || copied || retried || origin?.troubled) continue;
      if (mayDrain(ledger, segment, process.token)) continue;
      violate("lease", `process ${process.id} sends ${key}, which another has taken over`);
    }
  }

  /** A request with records of some segments sets out; the answer is called when it is over. */
  enter({ request, process }: Attempt): () => void {
    const segments = new Set<string>();
    for (const { segment, memory, retried, origin } of request.records) {
      if (segment !== null && !memory && !retried && !origin?.suspect) segments.add(segment);
    }
    for (const segment of segments) {
      let senders = this.#senders.get(segment);
      if (!senders) this.#senders.set(segment, senders = new Map());
      for (const other of senders.keys()) {
        if (other === process || other.dead || other.suspect || process.suspect) continue;
        this.#context.violate("two-senders", `${segment}: ${other.id} and ${process.id}`);
      }
      senders.set(process, (senders.get(process) ?? 0) + 1);
    }
    return () => {
      for (const segment of segments) {
        const senders = this.#senders.get(segment)!;
        const count = senders.get(process)! - 1;
        if (count === 0) senders.delete(process);
        else senders.set(process, count);
      }
    };
  }
}

/** Whether what depends on a record may come. */
function isSettled(record: SimRecord): boolean {
  return record.stored || record.refused || record.letteredAt !== null || !record.accepted ||
    record.excuse !== null;
}
