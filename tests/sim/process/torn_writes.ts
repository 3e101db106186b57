/**
 * Short writes of a process.
 *
 * @module
 */

import type { MemoryOperation } from "../../support/simulated_runtime/memory_process.ts";
import type { SimContext } from "../world/context.ts";

/** Tracks the segments that may end with a fragment. */
export class TornWrites {
  readonly #past: SimContext["past"];
  /** The segment whose last write was short and was not rolled back. */
  #fellShort: string | null = null;

  constructor(past: SimContext["past"]) {
    this.#past = past;
  }

  /** Called before an operation. */
  begins({ kind, path }: MemoryOperation): void {
    if (kind === "write" && path.endsWith(".jsonl")) this.#fellShort = null;
  }

  /** Called after an operation without a fault. */
  succeeded({ kind }: MemoryOperation): void {
    if (kind === "truncate") this.#fellShort = null;
  }

  /**
   * Called after a fault: a short write may leave a fragment if it can be neither
   * completed nor rolled back.
   */
  failed({ kind, path }: MemoryOperation): void {
    if (!path.endsWith(".jsonl")) return;
    const segment = path.slice(0, -".jsonl".length);
    if (kind === "write") this.#fellShort = segment;
    else if (this.#fellShort === segment) {
      this.#past.torn.add(segment);
      this.#past.fragments.add(segment);
    }
  }

  /** Called when the process is killed. */
  killed(): void {
    if (this.#fellShort !== null) this.#past.torn.add(this.#fellShort);
  }
}
