/**
 * Writes of a process that fell short.
 *
 * @module
 */

import type { MemoryOperation } from "../../support/simulated_runtime/memory_process.ts";
import type { SimContext } from "../world/context.ts";

/** Knows which segments may end with a fragment. */
export class TornWrites {
  readonly #past: SimContext["past"];
  /** The segment whose last write fell short and was not taken back. */
  #fellShort: string | null = null;

  constructor(past: SimContext["past"]) {
    this.#past = past;
  }

  /** An operation is about to happen. */
  begins({ kind, path }: MemoryOperation): void {
    if (kind === "write" && path.endsWith(".jsonl")) this.#fellShort = null;
  }

  /** An operation had no fault. */
  succeeded({ kind }: MemoryOperation): void {
    if (kind === "truncate") this.#fellShort = null;
  }

  /** A write that fell short may leave a fragment when it can be neither finished nor taken back. */
  failed({ kind, path }: MemoryOperation): void {
    if (!path.endsWith(".jsonl")) return;
    const segment = path.slice(0, -".jsonl".length);
    if (kind === "write") this.#fellShort = segment;
    else if (this.#fellShort === segment) {
      this.#past.torn.add(segment);
      this.#past.fragments.add(segment);
    }
  }

  /** The process was killed. */
  killed(): void {
    if (this.#fellShort !== null) this.#past.torn.add(this.#fellShort);
  }
}
