/**
 * The initial state shared by everything in a run.
 *
 * @module
 */

import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import type { Trace } from "../checks/trace.ts";
import type { Setup } from "../scenario/scenario.ts";
import type { SimContext } from "./context.ts";
import { Ledger } from "./ledger.ts";

/** A context with an empty disk and no events. */
export function newContext(setup: Setup, trace: Trace, violate: SimContext["violate"]): SimContext {
  const disk = new MemoryDisk();
  disk.put("/home/program.js", ""); // The parent directory of the log exists beforehand.
  return {
    setup,
    clock: new MemoryClock(),
    disk,
    ledger: new Ledger(disk),
    trace,
    past: {
      requests: 0,
      crashed: false,
      disturbed: false,
      torn: new Set(),
      fragments: new Set(),
      unkept: new Set(),
    },
    violate,
  };
}

/** The hosts of a run. */
export function hostsOf({ facts }: Setup): MemoryHost[] {
  return [0, 1].map((number) =>
    new MemoryHost({
      name: `host${number}`,
      bootId: facts ? "boot" : null,
      pidNamespace: facts ? `pid:[${number}]` : null,
      startTimes: facts,
    })
  );
}
