/**
 * Options of a simulated process, and of its scheduled death.
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

/** The scheduled death of a process. */
export interface Doom {
  /** Number of matching operations that still succeed. */
  left: number;
  readonly on?: MemoryOperationKind;
  readonly near?: string;
  /** Set if the whole machine crashes. */
  readonly crashSeed?: number;
}

/** Options of a process. */
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
  /** Initial disk faults. */
  readonly faults: readonly ActiveFault[];
  /** Ends the process during an operation, by a kill or a crash of the machine. */
  readonly strikeDown: (process: SimProcess, crashSeed: number | undefined) => void;
}

/** Whether an operation is one at which the process may die. */
export function isMet({ on, near }: Doom, { kind, path }: MemoryOperation): boolean {
  return (on === undefined || on === kind) && (near === undefined || path.includes(near));
}
