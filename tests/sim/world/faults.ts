/**
 * Disk faults.
 *
 * @module
 */

import type {
  MemoryFault,
  MemoryOperation,
} from "../../support/simulated_runtime/memory_process.ts";
import type { Random } from "../scenario/random.ts";
import type { DiskFaultKind, DiskStep } from "../scenario/scenario.ts";

/** An active disk fault. */
export interface ActiveFault {
  readonly kind: DiskFaultKind;
  readonly probability: number;
  readonly random: Random;
}

/** The fault of a step, with its own random stream. */
export function activeFault({ fault, probability }: DiskStep, random: Random): ActiveFault {
  return { kind: fault, probability, random };
}

/** Returns the effect of this fault on an operation, if any. */
export function strike(
  { kind, probability, random }: ActiveFault,
  { kind: operation, path, bytes = 0 }: MemoryOperation,
): MemoryFault | undefined {
  const writes = operation === "write" || operation === "create" || operation === "replace" ||
    operation === "mkdir";
  switch (kind) {
    case "short":
      return operation === "write" && bytes > 1 && random.chance(probability)
        ? { short: random.int(1, bytes - 1) }
        : undefined;
    case "full":
      if (!writes || !random.chance(probability)) return undefined;
      return { code: "ENOSPC", written: operation === "write" ? random.int(0, bytes) : 0 };
    case "io":
      if (!random.chance(probability)) return undefined;
      return { code: "EIO", written: operation === "write" ? random.int(0, bytes) : 0 };
    case "sync":
      return (operation === "sync" || operation === "syncDirectory") && random.chance(probability)
        ? { code: "EIO" }
        : undefined;
    case "read-only":
      return (writes || operation === "rename" || operation === "remove" ||
          operation === "truncate") && random.chance(probability)
        ? { code: "EROFS" }
        : undefined;
    case "handles":
      return (operation === "open" || operation === "create" || operation === "replace" ||
          operation === "list") && random.chance(probability)
        ? { code: "EMFILE" }
        : undefined;
    case "checkpoint":
      return path.includes(".checkpoint") && random.chance(probability)
        ? { code: "EIO" }
        : undefined;
    case "truncate":
      if (operation === "truncate") return random.chance(probability) ? { code: "EIO" } : undefined;
      return operation === "write" && random.chance(probability / 2)
        ? { code: "EIO", written: random.int(0, bytes) }
        : undefined;
  }
}
