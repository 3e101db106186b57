/**
 * Mutants that send records incorrectly.
 *
 * @module
 */

import { DeliveryClient } from "../../../src/delivery/delivery_client.ts";
import { CircuitBreaker } from "../../../src/delivery/http/circuit_breaker.ts";
import { Suspicion } from "../../../src/delivery/http/evidence.ts";
import { Suspects } from "../../../src/delivery/records/suspects.ts";
import { Sender } from "../../../src/delivery/sender.ts";
import type { BatchRecord } from "../../../src/wal/record/record_batch.ts";
import type { DeadLetter } from "../../../src/wal/segment/segment.ts";
import type { Bug } from "./mutant.ts";
import { patch, patchAttempts } from "./make.ts";

/** Dead letter made from the line that follows a record, if there is one. */
function deadLetterBehind({ bytes, offset, lineStart, lineEnd }: BatchRecord): DeadLetter[] {
  const start = lineEnd + 1;
  const end = bytes.indexOf(10, start);
  if (end <= start) return [];
  const line = bytes.slice(start, end);
  const at = offset + start - lineStart;
  return [{ reason: "refused", status: 500, offset: at, length: line.length, line }];
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Parses and re-serializes the body of a request. */
function printedAgain(init: RequestInit | undefined): RequestInit | undefined {
  if (!(init?.body instanceof Uint8Array)) return init;
  try {
    return { ...init, body: encoder.encode(JSON.stringify(JSON.parse(decoder.decode(init.body)))) };
  } catch {
    return init;
  }
}

/** Some runtimes' `fetch` has further members, which are not used here. */
function fetching(
  send: (url: string | URL | Request, init?: RequestInit) => Promise<Response>,
): typeof fetch {
  return send as typeof fetch;
}

/** Mutants of sending. */
export const SENDING_BUGS: readonly Bug[] = [
  {
    name: "ack-before-answer",
    mistake: "records are acknowledged when they are sent, not when they are answered",
    breaks: ["checkpoint"],
    seeds: 50,
    patch: () =>
      patch(
        DeliveryClient.prototype,
        "prepare",
        (original) =>
          function (this: DeliveryClient, ...batch) {
            const delivery = original.apply(this, batch);
            const send = () => {
              delivery.send().catch(() => {});
              return Promise.resolve([]);
            };
            return { ...delivery, send };
          },
      ),
  },
  {
    name: "memory-queue",
    mistake: "records are acknowledged when they are in a queue in memory (otel-collector#12711)",
    breaks: ["checkpoint"],
    seeds: 50,
    patch: () => {
      const queues = new WeakMap<DeliveryClient, Promise<unknown>>();
      return patch(
        DeliveryClient.prototype,
        "prepare",
        (original) =>
          function (this: DeliveryClient, ...batch) {
            const delivery = original.apply(this, batch);
            const send = () => {
              const before = queues.get(this) ?? Promise.resolve();
              queues.set(this, before.then(delivery.send).catch(() => {}));
              return Promise.resolve([]);
            };
            return { ...delivery, send };
          },
      );
    },
  },
  {
    name: "aborted-is-done",
    mistake:
      "a send that is given up at the end of the process counts as done (otel-collector#6771)",
    breaks: ["checkpoint", "flush"],
    seeds: 500,
    from: 170,
    patch: () =>
      patchAttempts((attempt) =>
        attempt.kind === "stopped" ? { kind: "answer", status: 200, text: "{}" } : attempt
      ),
  },
  {
    name: "outage-acked",
    mistake: "a server that cannot be reached counts as delivered",
    breaks: ["checkpoint"],
    seeds: 100,
    from: 15,
    patch: () =>
      patchAttempts((attempt) =>
        attempt.kind === "unreachable" ? { kind: "answer", status: 200, text: "{}" } : attempt
      ),
  },
  {
    name: "outage-dead-letters",
    mistake: "a server that is down makes dead letters (Weave Python)",
    breaks: ["dead-letter"],
    seeds: 300,
    from: 140,
    patch: () =>
      patchAttempts((attempt) =>
        attempt.kind === "answer" && attempt.status >= 500 ? { ...attempt, status: 400 } : attempt
      ),
  },
  {
    name: "poison-wedges",
    mistake: "a record that the server refuses is sent indefinitely (Weave TypeScript SDK)",
    breaks: ["pending", "flush"],
    seeds: 100,
    patch: () =>
      patchAttempts((attempt) =>
        attempt.kind === "answer" && attempt.status === 422 ? { ...attempt, status: 503 } : attempt
      ),
  },
  {
    name: "neighbor-dead-lettered",
    mistake: "a record that is isolated takes its neighbor along",
    breaks: ["dead-letter"],
    seeds: 200,
    patch: () => {
      const suspected = new WeakMap<Suspects, BatchRecord[]>();
      const unpatch = patch(
        Suspects.prototype,
        "add",
        (original) =>
          function (this: Suspects, suspect, failure) {
            suspected.set(this, [...suspected.get(this) ?? [], suspect.record]);
            original.call(this, suspect, failure);
          },
      );
      const unpatchSettle = patch(
        Suspects.prototype,
        "settle",
        (original) =>
          async function (this: Suspects, send) {
            const deadLetters = await original.call(this, send);
            return [...deadLetters, ...(suspected.get(this) ?? []).flatMap(deadLetterBehind)];
          },
      );
      return () => {
        unpatchSettle();
        unpatch();
      };
    },
  },
  {
    name: "outage-is-poison",
    mistake: "a record that fails twice is to blame, whatever else fails",
    breaks: ["dead-letter"],
    seeds: 200,
    patch: () =>
      patch(Suspicion.prototype, "isProven", () =>
        function (this: Suspicion) {
          return this.failures >= 2;
        }),
  },
  {
    name: "failing-record-wedges",
    mistake: "a record that the server answers with 500 every time is sent without end",
    breaks: ["pending", "flush", "leftover"],
    seeds: 100,
    patch: () => patch(Suspicion.prototype, "isProven", () => () => false),
  },
  {
    name: "orphan-end-switches",
    mistake: "an end whose start the server lacks is taken for a missing API",
    breaks: ["pending", "flush", "leftover"],
    seeds: 100,
    patch: () =>
      patchAttempts((attempt) =>
        attempt.kind === "answer" && attempt.status === 404
          ? { ...attempt, text: '{"detail":"Not Found"}' }
          : attempt
      ),
  },
  {
    name: "portal-acknowledges",
    mistake: "any 2xx with a JSON object counts as delivery",
    breaks: ["checkpoint"],
    seeds: 300,
    from: 350,
    patch: () =>
      patchAttempts((attempt) =>
        attempt.kind === "answer" && attempt.status === 200 && attempt.text.includes("log in")
          ? {
            ...attempt,
            text: '{"res":[],"id":"c","trace_id":"t","digest":"d","ids":[],"created_at":"now"}',
          }
          : attempt
      ),
  },
  {
    name: "no-timeout",
    mistake: "a request that hangs is waited for without end",
    breaks: ["pending", "flush"],
    seeds: 300,
    from: 55,
    fetch: (fetch) =>
      fetching((url, init) => fetch(url, { ...init, signal: new AbortController().signal })),
  },
  {
    name: "never-again",
    mistake: "a server that was down is never tried again",
    breaks: ["pending"],
    seeds: 100,
    patch: () =>
      patch(
        CircuitBreaker.prototype,
        "failed",
        (original) =>
          function (this: CircuitBreaker, failure, wasProbe) {
            original.call(this, { ...failure, wait: Infinity }, wasProbe);
          },
      ),
  },
  {
    name: "printed-again",
    mistake: "a request is parsed and printed again, and its numbers change",
    breaks: ["altered"],
    seeds: 50,
    fetch: (fetch) => fetching((url, init) => fetch(url, printedAgain(init))),
  },
  {
    name: "changed-at-retry",
    mistake: "a second attempt holds other bytes than the first",
    breaks: ["retry-id", "altered"],
    seeds: 200,
    fetch: (fetch) => {
      const seen = new Set<string>();
      return fetching((url, init) => {
        const id = (init?.headers as Record<string, string>)["X-Weave-Retry-Id"];
        const again = seen.has(id);
        seen.add(id);
        return fetch(url, again ? printedAgain(init) : init);
      });
    },
  },
  {
    name: "starts-late",
    mistake: "a start is held back and its end is sent",
    breaks: ["order", "leftover", "pending"],
    seeds: 300,
    fetch: (fetch) => {
      let held: (() => void) | null = null;
      return fetching(async (url, init) => {
        if (String(url).endsWith("/call/start") && held === null) {
          await new Promise<void>((resolve) => held = resolve);
        } else held?.();
        return await fetch(url, init);
      });
    },
  },
  {
    name: "flush-lies",
    mistake: "a flush says that what is stored is delivered",
    breaks: ["flush"],
    seeds: 50,
    patch: () => patch(Sender.prototype, "wait", () => () => Promise.resolve("done")),
  },
  {
    name: "partial-success-ignored",
    mistake: "spans that the server rejects in a 2xx response count as delivered",
    breaks: ["checkpoint", "removed", "flush"],
    seeds: 300,
    from: 30,
    patch: () =>
      patchAttempts((attempt) =>
        attempt.kind === "answer" && attempt.text.includes("rejected_spans")
          ? { ...attempt, text: "{}" }
          : attempt
      ),
  },
];
