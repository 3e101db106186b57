/**
 * Lists the segments in a project's directory, once and without blocking the event loop.
 *
 * @module
 */

import { join } from "@std/path";
import { partitionInSlices, Slices, sortInSlices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { SEGMENT_SUFFIX, WRITER_DIGITS } from "../segment/segment_name.ts";
import { scanStems } from "./scan_stems.ts";

/** The files that share a stem. */
export interface ListedSegment {
  readonly directory: string;
  /** `<20-digit ns>_<token>`. */
  readonly stem: string;
  /** The token of its writer. */
  readonly writer: string;
  /** File name suffixes after the stem: `.jsonl`, `.lock`, `.checkpoint`, … */
  readonly suffixes: ReadonlySet<string>;
}

/** Contents of a directory. */
export interface DirectoryListing {
  /** Segments with their data, oldest first. */
  readonly segments: readonly ListedSegment[];
  /** Files of segments whose data is removed, except dead letters and quarantine. */
  readonly leftovers: readonly ListedSegment[];
  /** Paths of files that version 0.1 used to read the file system's clock. */
  readonly probes: readonly string[];
  /** Number of all names in the directory. */
  readonly names: number;
}

const PROBE = /^[0-9a-f]{32}\.probe$/;
/** Files that belong to the user and stay when the data is removed. */
const KEPT: ReadonlySet<string> = new Set([".deadletter", ".quarantine"]);

/** Returns whether a file stays when its segment's data is removed: dead letters and quarantine. */
export function isKept(suffix: string): boolean {
  return KEPT.has(suffix);
}

/**
 * Lists a project's directory. Rejects with the file system error, `ENOENT` if it does not exist.
 */
export async function listDirectory(
  { files, clock }: Pick<Runtime, "files" | "clock">,
  directory: string,
): Promise<DirectoryListing> {
  const probes: string[] = [];
  const { stems, names } = await scanStems(files, directory, (name) => {
    if (PROBE.test(name)) probes.push(join(directory, name));
  });
  const slices = new Slices(clock);
  const all: ListedSegment[] = [];
  for (const [stem, suffixes] of stems) {
    if (slices.isOver) await slices.next();
    if (suffixes.has(SEGMENT_SUFFIX) || isLeftover(suffixes)) {
      all.push({ directory, stem, writer: stem.slice(-WRITER_DIGITS), suffixes });
    }
  }
  const sorted = await sortInSlices(all, byStem, clock);
  const hasData = ({ suffixes }: ListedSegment): boolean => suffixes.has(SEGMENT_SUFFIX);
  const [segments, leftovers] = await partitionInSlices(sorted, hasData, clock);
  return { segments, leftovers, probes, names };
}

/** Orders segments by the time in their names, oldest first. */
export function byStem(a: { readonly stem: string }, b: { readonly stem: string }): number {
  return a.stem < b.stem ? -1 : 1;
}

/** Returns whether something is to be removed: dead letters and quarantine stay. */
function isLeftover(suffixes: ReadonlySet<string>): boolean {
  for (const suffix of suffixes) if (!isKept(suffix)) return true;
  return false;
}
