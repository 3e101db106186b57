/**
 * A deliberate mistake, made at run time, that the simulation must find.
 *
 * @module
 */

import type { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Clock, ProcessInfo } from "../../../src/runtime/runtime.ts";
import type { ViolationCode } from "../world/context.ts";
import type { Setup } from "../scenario/scenario.ts";

/** A mistake and how it is made. */
export interface Bug {
  /** For the command line. */
  readonly name: string;
  /** The mistake. */
  readonly mistake: string;
  /** The promises that it breaks; other findings do not count. */
  readonly breaks: readonly ViolationCode[];
  /** Seeds within which it must be found. */
  readonly seeds: number;
  /** The first of them (default: 1): one soon before a find spares time, and may be left out. */
  readonly from?: number;
  /** Changes the library's classes; returns the way back. */
  patch?(): () => void;
  /** Intercepts file operations. */
  files?(files: FileSystem, memory: MemoryRuntime): FileSystem;
  /** Intercepts the clock. */
  clock?(clock: Clock, setup: Setup): Clock;
  /** Intercepts facts about processes. */
  process?(facts: ProcessInfo): ProcessInfo;
  /** Intercepts requests. */
  fetch?(fetch: typeof globalThis.fetch): typeof globalThis.fetch;
}
