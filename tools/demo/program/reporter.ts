/**
 * What the traced program tells the demo: one line of JSON for each event on its standard output.
 *
 * A line is written with one synchronous write: once `tell` is back, the line is in the pipe, and a
 * SIGKILL at the next instruction does not take it away.
 *
 * @module
 */

import { writeSync } from "node:fs";
import { requireCurrentCallStackEntry } from "@weave-wal/client";

/** What the program says. */
export type ProgramEvent =
  | {
    readonly event: "ready";
    readonly pid: number;
    /** Whether the index of an earlier process was found. */
    readonly resumed: boolean;
    readonly documents: number;
    readonly passages: number;
    readonly terms: number;
    /** Files that could not be read as what they are. */
    readonly skipped: readonly string[];
  }
  | {
    readonly event: "call";
    readonly id: string;
    readonly op: string;
    /** `false` when the op threw. */
    readonly ok: boolean;
  }
  | {
    readonly event: "answer";
    readonly question: string;
    readonly answer: string;
    /** `file:line`. */
    readonly source: string;
  };

/** Tells the demo. */
export function tell(event: ProgramEvent): void {
  let rest = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // The pipe is full for now.
      if ((error as { code?: unknown }).code !== "EAGAIN") throw error;
    }
  }
}

type Trace = <A extends unknown[], R>(
  fn: (...args: A) => R,
  options: { name: string; originalFunction: (...args: A) => R; parameterNames: string[] },
) => (...args: A) => R;

/**
 * `op` that also tells the demo of each call: after the op has returned to its caller's side, when
 * the program may count on its record. What is told is what the program saw finish.
 */
export function witnessed(
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
      const report = (ok: boolean) => tell({ event: "call", id, op: name, ok });
      // An op runs its function before it gives back control, so no other call can come between.
      entered = (callId) => id = callId;
      let result: R;
      try {
        result = traced(...args);
      } catch (error) {
        report(false);
        throw error;
      }
      if (!(result instanceof Promise)) {
        report(true);
        return result;
      }
      return result.then((value) => {
        report(true);
        return value;
      }, (error) => {
        report(false);
        throw error;
      }) as R;
    };
  };
}
