/**
 * Lists the segments in a project's directory, once and without blocking the event loop.
 *
 * @module
 */

import { join } from "@std/path";
import { Slices, sortInSlices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { parseStem, SEGMENT_SUFFIX } from "../segment/segment_name.ts";

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
  /** Time of the last change to the directory before it was listed, epoch ms. */
  readonly modified: number;
}

/** Number of entries handled at once. */
const CHUNK = 256;
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
  const modified = files.stat(directory)?.modified ?? 0;
  const found = new Map<string, { writer: string; suffixes: Set<string> }>();
  const probes: string[] = [];
  for await (const entries of files.scan(directory)) {
    for (const { name, kind } of entries) {
      if (kind !== "file") continue;
      if (PROBE.test(name)) probes.push(join(directory, name));
      const dot = name.indexOf(".");
      const stem = dot === -1 ? null : parseStem(name.slice(0, dot));
      if (stem === null) continue;
      const suffix = name.slice(dot);
      const known = found.get(stem.stem);
      if (known) known.suffixes.add(suffix);
      else found.set(stem.stem, { writer: stem.writer, suffixes: new Set([suffix]) });
    }
  }
  const slices = new Slices(clock);
  const all: ListedSegment[] = [];
  for (const [stem, { writer, suffixes }] of found) {
    if (all.length % CHUNK === 0) await slices.pause();
    all.push({ directory, stem, writer, suffixes });
  }
  const segments: ListedSegment[] = [];
  const leftovers: ListedSegment[] = [];
  for (const one of await sortInSlices(all, (a, b) => a.stem < b.stem ? -1 : 1, clock)) {
    if ((segments.length + leftovers.length) % CHUNK === 0) await slices.pause();
    if (one.suffixes.has(SEGMENT_SUFFIX)) segments.push(one);
    else leftovers.push(one);
  }
  return {
    segments,
    leftovers: leftovers.filter(({ suffixes }) => [...suffixes].some((s) => !isKept(s))),
    probes,
    modified,
  };
}
