/**
 * Mutants that close interrupted spans incorrectly. Where a mutation affects calls too,
 * closing calls is disabled, so that only spans can reveal it.
 *
 * @module
 */

import { CallCloser } from "../../../src/wal/open_calls/close_interrupted.ts";
import { ClosedCalls } from "../../../src/wal/open_calls/closed_calls.ts";
import { OpenCalls } from "../../../src/wal/open_calls/open_calls.ts";
import { SpanStarts } from "../../../src/wal/open_calls/span_starts.ts";
import { OrphanScanner } from "../../../src/wal/orphans/orphan_scanner.ts";
import type { Bug } from "./mutant.ts";
import { patch } from "./make.ts";

/** Applies mutations and disables closing calls; returns a function that restores both. */
function withSpans(...patches: (() => () => void)[]): () => () => void {
  const noCalls = () =>
    patch(OpenCalls.prototype, "fold", (original) =>
      function (this: OpenCalls, record) {
        if (record.type !== "call_start") original.call(this, record);
      });
  return () => {
    const undo = [noCalls, ...patches].map((make) => make());
    return () => undo.reverse().forEach((one) => one());
  };
}

/** Mutants of closing spans. */
export const SPAN_CLOSING_BUGS: readonly Bug[] = [
  {
    name: "span-closed-while-alive",
    mistake: "spans of a process are closed while it runs",
    breaks: ["closed-alive"],
    seeds: 1_000,
    patch: withSpans(
      () => patch(OrphanScanner.prototype, "isDead", () => () => true),
      () => patch(OrphanScanner.prototype, "hasKept", () => () => false),
    ),
  },
  {
    name: "span-closed-again",
    mistake: "what is known about open spans outlives their closing, and they are closed again",
    breaks: ["closed-twice"],
    seeds: 1_000,
    patch: withSpans(() => patch(CallCloser.prototype, "settle", () => () => {})),
  },
  {
    name: "span-end-unseen",
    mistake: "a span that has ended passes for one that was cut off",
    breaks: ["closed-twice"],
    seeds: 1_000,
    patch: () =>
      patch(OpenCalls.prototype, "fold", (original) =>
        function (this: OpenCalls, record) {
          if (/^calls?_(?:end|delete)$/.test(record.type)) original.call(this, record);
        }),
  },
  {
    name: "span-start-is-no-sign",
    mistake: "a span that began after the last heartbeat ends before its process was last heard of",
    breaks: ["closed-time"],
    seeds: 1_000,
    patch: withSpans(() => patch(OpenCalls.prototype, "times", () => () => [])),
  },
  {
    name: "span-start-forgotten",
    mistake: "spans are forgotten when the segment is removed that they began in",
    breaks: ["not-closed"],
    seeds: 1_000,
    patch: () =>
      patch(OpenCalls.prototype, "toLines", (original) =>
        function (this: OpenCalls) {
          const lines = original.call(this).split("\n");
          return lines.filter((line) => !line.includes('"base64"')).join("\n");
        }),
  },
  {
    name: "span-start-in-lost-segment",
    mistake: "a span that begins in a segment which was taken over is not closed",
    breaks: ["not-closed"],
    seeds: 500,
    from: 10_400,
    patch: () => patch(SpanStarts.prototype, "takeUnseen", () => () => ""),
  },
  {
    name: "span-closed-unnoticed",
    mistake: "a writer that resumes ends spans that were closed meanwhile",
    breaks: ["closed-twice"],
    seeds: 3_000,
    from: 120,
    patch: withSpans(() =>
      patch(ClosedCalls.prototype, "has", (original) =>
        function (this: ClosedCalls, line) {
          return !line.startsWith('{"type":"otel') && original.call(this, line);
        })
    ),
  },
];
