/**
 * Decides which traces are recorded.
 *
 * @module
 */

import { ignoreRejection } from "../../protocol/json/promises.ts";

/**
 * The root of a trace, as passed to a sampling function.
 *
 * @example
 * ```ts
 * import type { TraceRoot } from "@weave-wal/client";
 *
 * const sampleRate = ({ attributes }: TraceRoot) => attributes.tier === "paid" ? 1 : 0.1;
 * if (sampleRate({ traceId: "0", name: "ask", attributes: {} }) !== 0.1) throw new Error();
 * ```
 */
export interface TraceRoot {
  /** ID of the trace. */
  readonly traceId: string;
  /** Name of the root op. */
  readonly name: string;
  /** Attributes from `withAttributes` around the call. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * Decides whether a trace is recorded, or at which rate such traces are, from 0 to 1.
 *
 * @example
 * ```ts
 * import type { SampleFunction } from "@weave-wal/client";
 *
 * const sampleRate: SampleFunction = ({ name }) => name === "health" ? 0 : 1;
 * if (sampleRate({ traceId: "0", name: "ask", attributes: {} }) !== 1) throw new Error();
 * ```
 */
export type SampleFunction = (root: TraceRoot) => boolean | number;

/** Samples whole traces: calls are recorded if the root of their trace is. */
export class Sampler {
  /** Number of calls that were not recorded. */
  sampledOut = 0;
  readonly #rate: number | SampleFunction;
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure Called if the function fails; the trace is then recorded. */
  constructor(rate: number | SampleFunction, onFailure: (error: unknown) => void) {
    this.#rate = rate;
    this.#onFailure = onFailure;
  }

  /** Whether a function decides. It is called once per trace. */
  get asksFunction(): boolean {
    return typeof this.#rate === "function";
  }

  /** Returns whether a trace is recorded. With a rate, only the trace's ID matters. */
  records(
    traceId: string,
    name: string,
    attributes: Readonly<Record<string, unknown>> | undefined,
  ): boolean {
    const rate = this.#rate;
    if (typeof rate === "number") return rate >= 1 || fractionOf(traceId) < rate;
    try {
      const chosen: unknown = rate({ traceId, name, attributes: { ...attributes } });
      if (typeof chosen === "boolean") return chosen;
      if (typeof chosen === "number" && chosen >= 0) return fractionOf(traceId) < chosen;
      ignoreRejection(chosen);
      throw new TypeError("it returned neither true, false nor a rate from 0 to 1");
    } catch (error) {
      this.#onFailure(error);
      return true;
    }
  }
}

/**
 * Returns a number in [0, 1) that depends only on the trace ID, evenly distributed: FNV-1a,
 * finalized as in MurmurHash3, because IDs created at about the same time differ in few characters.
 */
export function fractionOf(traceId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < traceId.length; i++) {
    hash = Math.imul(hash ^ traceId.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
