/**
 * Events that the traced program reports to the demo: one JSON line per event on standard output.
 *
 * Each line is written with one synchronous write. When `report` returns, the line is in the pipe and
 * survives a SIGKILL.
 *
 * @module
 */

import { writeSync } from "node:fs";
import { requireCurrentCallStackEntry } from "@weave-wal/client";

/** An event of the program. */
export type ProgramEvent =
  | {
    readonly event: "ready";
    readonly pid: number;
    /** Whether the index of an earlier process was found. */
    readonly resumed: boolean;
    readonly documents: number;
    readonly passages: number;
    readonly terms: number;
    /** Files that could not be parsed. */
    readonly skipped: readonly string[];
  }
  | {
    readonly event: "call";
    readonly id: string;
    readonly op: string;
    /** `false` if the op threw. */
    readonly ok: boolean;
  }
  | {
    readonly event: "answer";
    readonly question: string;
    readonly answer: string;
    /** `file:line`. */
    readonly source: string;
  };

/** Reports an event to the demo. */
export function report(event: ProgramEvent): void {
  let rest = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // The pipe is full.
      if ((error as { code?: unknown }).code !== "EAGAIN") throw error;
    }
  }
}

type Trace = <A extends unknown[], R>(
  fn: (...args: A) => R,
  options: { name: string; originalFunction: (...args: A) => R; parameterNames: string[] },
) => (...args: A) => R;

/**
 * Like `op`, but also reports each call to the demo after the op has returned, when its
 * record must be in the log. The reported calls are those that the program saw finish.
 */
export function traceAndReport(
  op: Trace,
): <A extends unknown[], R>(
  name: string,
  fn: (...args: A) => R,
  parameterNames: string[],
) => (...args: A) => R {
  return <A extends unknown[], R>(
    name: string,
    fn: (...args: A) => R,
    parameterNames: string[],
  ) => {
    let entered: (id: string) => void;
    const traced = op((...args: A): R => {
      entered(requireCurrentCallStackEntry().callId);
      return fn(...args);
    }, { name, originalFunction: fn, parameterNames });
    return (...args: A): R => {
      let id = "";
      const reportEnd = (ok: boolean) => report({ event: "call", id, op: name, ok });
      // An op runs its function before it returns, so no other call can run in between.
      entered = (callId) => id = callId;
      let result: R;
      try {
        result = traced(...args);
      } catch (error) {
        reportEnd(false);
        throw error;
      }
      if (!(result instanceof Promise)) {
        reportEnd(true);
        return result;
      }
      return result.then((value) => {
        reportEnd(true);
        return value;
      }, (error) => {
        reportEnd(false);
        throw error;
      }) as R;
    };
  };
}
