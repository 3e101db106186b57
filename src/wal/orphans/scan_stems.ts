/**
 * Scans a project's directory for the files of segments, in memory that grows with the number of
 * segments only.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import { parseStem } from "../segment/segment_name.ts";

/** Names in a directory. */
export interface ScannedStems {
  /** Suffixes of the files of each stem. Equal sets are mostly one object: do not change them. */
  readonly stems: Map<string, ReadonlySet<string>>;
  /** Number of all names, those of other files included. */
  readonly names: number;
}

/**
 * Reads the names in `directory`. Rejects with the host's error, `ENOENT` if it does not exist.
 *
 * @param onOther Called with the names of files that belong to no segment.
 */
export async function scanStems(
  files: FileSystem,
  directory: string,
  onOther: (name: string) => void = () => {},
): Promise<ScannedStems> {
  const stems = new Map<string, ReadonlySet<string>>();
  const sets = new SuffixSets();
  let names = 0;
  for await (const entries of files.scan(directory)) {
    names += entries.length;
    for (const { name, kind } of entries) {
      if (kind !== "file") continue;
      const dot = name.indexOf(".");
      const stem = dot === -1 ? "" : name.slice(0, dot);
      if (parseStem(stem) === null) onOther(name);
      else stems.set(stem, sets.with(stems.get(stem) ?? NO_FILES, name.slice(dot)));
    }
  }
  return { stems, names };
}

const NO_FILES: ReadonlySet<string> = new Set();

/** Makes each set of suffixes once: of a hundred thousand segments, most have the same files. */
class SuffixSets {
  /** For each set, those with one suffix more. */
  readonly #larger = new Map<ReadonlySet<string>, Map<string, ReadonlySet<string>>>();

  /** Returns the set with the suffixes of `set` and `suffix`. */
  with(set: ReadonlySet<string>, suffix: string): ReadonlySet<string> {
    let larger = this.#larger.get(set);
    if (larger === undefined) this.#larger.set(set, larger = new Map());
    let found = larger.get(suffix);
    if (found === undefined) larger.set(suffix, found = new Set([...set, suffix]));
    return found;
  }
}
