/**
 * The parts of a simulated process, and the end that waits for it.
 *
 * @module
 */

import type { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import type {
  MemoryOperation,
  MemoryOperationKind,
} from "../../support/simulated_runtime/memory_process.ts";
import type { Closings } from "../checks/closings.ts";
import type { Auditor } from "../checks/invariants.ts";
import type { Bug } from "../mutants/mutant.ts";
import type { StartStep } from "../scenario/scenario.ts";
import type { SimContext } from "../world/context.ts";
import type { ActiveFault } from "../world/faults.ts";
import type { SimProcess } from "./process.ts";
import type { SimServers } from "../server/server.ts";

/** The end that waits for a process. */
export interface Doom {
  /** Operations of that kind and place that still happen. */
  left: number;
  readonly on?: MemoryOperationKind;
  readonly near?: string;
  /** For a crash of the whole machine. */
  readonly crashSeed?: number;
}

/** Parts of a process. */
export interface SimProcessOptions {
  readonly context: SimContext;
  readonly servers: SimServers;
  readonly auditor: Auditor;
  readonly closings: Closings;
  readonly host: MemoryHost;
  readonly id: number;
  readonly step: StartStep;
  readonly pid?: number;
  readonly bug?: Bug;
  /** The disk's faults from the start. */
  readonly faults: readonly ActiveFault[];
  /** Ends the process in the middle of an operation: by a kill, or with the whole machine. */
  readonly strikeDown: (process: SimProcess, crashSeed: number | undefined) => void;
}

/** Whether an operation is one of those that a process ends at. */
export function isMet({ on, near }: Doom, { kind, path }: MemoryOperation): boolean {
  return (on === undefined || on === kind) && (near === undefined || path.includes(near));
}
