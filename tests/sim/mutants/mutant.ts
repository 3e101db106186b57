/**
 * A mutation of the library, applied at run time, that the simulation must find.
 *
 * @module
 */

import type { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Clock, ProcessInfo } from "../../../src/runtime/runtime.ts";
import type { ViolationCode } from "../world/context.ts";
import type { Setup } from "../scenario/scenario.ts";

/** A mutant. */
export interface Bug {
  /** Name on the command line. */
  readonly name: string;
  /** Description of the mutation. */
  readonly mistake: string;
  /** The promises that it breaks; other violations do not count. */
  readonly breaks: readonly ViolationCode[];
  /** Seeds within which it must be found. */
  readonly seeds: number;
  /** The first seed (default: 1). Starting shortly before the seed that finds it saves time. */
  readonly from?: number;
  /** Changes the library's classes; returns a function that restores them. */
  patch?(): () => void;
  /** Intercepts file operations. */
  files?(files: FileSystem, memory: MemoryRuntime): FileSystem;
  /** Intercepts the clock. */
  clock?(clock: Clock, setup: Setup): Clock;
  /** Intercepts information about processes. */
  process?(facts: ProcessInfo): ProcessInfo;
  /** Intercepts requests. */
  fetch?(fetch: typeof globalThis.fetch): typeof globalThis.fetch;
}
