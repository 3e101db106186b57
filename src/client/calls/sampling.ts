/**
 * Decides which traces are recorded.
 *
 * @module
 */

/**
 * The beginning of a trace, as a function that samples sees it.
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
  /** The id of the trace. */
  readonly traceId: string;
  /** The name of the op that begins it. */
  readonly name: string;
  /** Attributes of the code around it, from `withAttributes`. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * Says of a trace whether it is recorded, or at which rate such traces are: 0 to 1.
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

/** Samples whole traces: the calls below a root are recorded if the root is. */
export class Sampler {
  /** Calls that were not recorded. */
  sampledOut = 0;
  readonly #rate: number | SampleFunction;
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure Called when the function fails; then the trace is recorded. */
  constructor(rate: number | SampleFunction, onFailure: (error: unknown) => void) {
    this.#rate = rate;
    this.#onFailure = onFailure;
  }

  /** Whether a function decides, which is asked once a trace. */
  get asksFunction(): boolean {
    return typeof this.#rate === "function";
  }

  /** Whether a trace is recorded. A rate decides only by the trace's ID. */
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
      throw new TypeError("it returned neither true, false nor a rate from 0 to 1");
    } catch (error) {
      this.#onFailure(error);
      return true;
    }
  }
}

/**
 * A number in [0, 1) that is the same for a trace everywhere, and spread evenly over traces: FNV-1a,
 * finished as in MurmurHash3, because the ids of a moment differ in few characters.
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
