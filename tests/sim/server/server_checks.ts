/**
 * Checks the requests that arrive at simulated servers: each must arrive in order, at the
 * right server, from the one process that may send it, and must not be repeated without a
 * reason.
 *
 * @module
 */

import type { Attempt } from "./answers.ts";
import type { SimContext } from "../world/context.ts";
import { mayDrain, type ProcessView, type SimRecord } from "../world/ledger.ts";

/** Checks all requests of a run. */
export class ServerChecks {
  readonly #context: SimContext;
  /** Number of requests in flight by segment and process. */
  readonly #senders = new Map<string, Map<ProcessView, number>>();

  constructor(context: SimContext) {
    this.#context = context;
  }

  /** Notes that a server stores a record, and checks that its dependencies are settled. */
  stored({ request, process, first }: Attempt, record: SimRecord): void {
    const { violate, ledger, trace } = this.#context;
    trace.add(`stored ${record.key}`);
    if (record.server !== null && record.server !== request.server) {
      violate("wrong-server", `${record.key} went to server ${request.server}`);
    }
    const again = record.letteredAt !== null && first > record.letteredAt;
    // After a disk error, a log writes records again: one of the two copies may be
    // dead-lettered.
    if (again && !record.retried && !process.suspect && !record.origin?.suspect) {
      violate("after-dead-letter", `${record.key} by process ${process.id}`);
    }
    const needed = ledger.find(`${record.call}:start`)?.late
      ? []
      : record.kind === "end"
      ? ["start"]
      : record.kind === "update" || record.kind === "delete"
      ? ["start", "end"]
      : [];
    for (const part of needed) {
      const earlier = ledger.find(`${record.call}:${part}`);
      // Segments of a foreign process have different names and may be drained at the same time: the
      // v1 API takes both halves in any order, for the v2 API an end waits.
      const isForeign = record.kind === "end" && record.origin === null;
      if (isForeign && earlier?.segment !== record.segment) continue;
      if (earlier && earlier.order < record.order && !isSettled(earlier)) {
        violate("order", `${record.key} came before ${earlier.key} by process ${process.id}`);
      }
    }
    record.stored = true;
    const isEnd = /:(?:end|cut)$/.test(record.key);
    const others = isEnd ? ["end", "cut"] : [];
    const all = others.map((part) => ledger.find(`${record.call}:${part}`));
    // An end that was dropped at the quota may have been on its way to the server.
    const isSure = !this.#context.past.crashed &&
      all.every((one) => !one?.origin?.troubled && one?.excuse !== "drop-oldest");
    if (isSure && all.length === 2 && all.every((one) => one?.stored)) {
      violate("closed-twice", `${record.call} has its own end and one of recovery`);
    }
  }

  /**
   * Whether a server has the start of a call; one that is not in this run may have been
   * sent earlier.
   */
  hasStart({ call }: SimRecord): boolean {
    return this.#context.ledger.find(`${call}:start`)?.stored ?? false;
  }

  /**
   * Whether the start of a foreign call is still to be sent, or to be written. Its end may then be
   * in a segment before it, and must wait.
   */
  mayStart({ call, origin }: SimRecord): boolean {
    const { ledger, past } = this.#context;
    const start = ledger.find(`${call}:start`);
    if (start === undefined || origin !== null || past.crashed) return false;
    const isOver = start.refused || start.letteredAt !== null || start.excuse !== null;
    return !isOver && (start.accepted || start.late);
  }

  /**
   * Checks that no settled record is sent again, and none twice in one request.
   */
  checkFresh({ request, process }: Attempt): void {
    const { past, violate } = this.#context;
    for (const [index, record] of request.records.entries()) {
      // After a disk error, a log writes records again as a precaution: a request may hold both.
      if (process.suspect || record.memory || record.retried || record.origin?.suspect) continue;
      if (record.checkpointed) {
        violate("resent", `${record.key} by process ${process.id}, past its checkpoint`);
      } else if (record.answered && !past.disturbed) {
        violate("resent", `${record.key} by process ${process.id}, though nothing happened`);
      } else if (request.records.indexOf(record) < index) {
        violate("resent", `${record.key} by process ${process.id}, twice in one request`);
      }
    }
  }

  /**
   * Checks that a process sends no record of a segment that another has claimed, even
   * after it was suspended. Once a segment is deleted, it is unknown whether it was
   * delivered.
   */
  checkLease({ request, process }: Attempt): void {
    const { ledger, violate } = this.#context;
    if (process.troubled) return;
    for (const { key, segment, memory, copied, retried, origin } of request.records) {
      // A dead letter is retried under a lease of its own.
      if (segment === null || memory || copied || retried || origin?.troubled) continue;
      if (mayDrain(ledger, segment, process.token)) continue;
      violate("lease", `process ${process.id} sends ${key}, which another has taken over`);
    }
  }

  /**
   * Notes the start of a request with records of some segments; call the returned
   * function at its end.
   */
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

/** Whether records that depend on this one may arrive. */
function isSettled(record: SimRecord): boolean {
  return record.stored || record.refused || record.letteredAt !== null || !record.accepted ||
    record.excuse !== null;
}
