/**
 * Lists directories: small ones at once, large ones without blocking the event loop.
 *
 * Longest block of the event loop and total time to scan 100,000 names on a machine with two cores:
 * Node 5 ms of 110 ms, Bun 8 ms of 80 ms, Deno (`Deno.readDir`) 8 ms of 210 ms. For 30,000 names: 1
 * of 30, 4 of 27 and 1 of 85. Bun's `opendir` lists synchronously (31 ms), and so does that of
 * Deno's `node:fs` (375 ms), so each runtime uses a different function.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { withCode } from "../coded_error.ts";
import type { DirectoryEntry, FileKind } from "../file_types.ts";
import type { Fs } from "./regular_file.ts";

/** A scan of a directory, in chunks. */
export type Scan = AsyncIterable<readonly DirectoryEntry[]>;

/** The methods of `Stats` and `Dirent` that distinguish file types. */
export interface Kinds {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** Number of names in one chunk of a scan. */
const SCAN_CHUNK = 1024;

/** Returns the type of a `Stats` or `Dirent`. */
export function kindOf(found: Kinds): FileKind {
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "directory";
  return found.isSymbolicLink() ? "symlink" : "other";
}

function toEntry(found: Kinds & { readonly name: string }): DirectoryEntry {
  return { name: found.name, kind: kindOf(found) };
}

/** Lists a directory at once. */
export function list(fs: Fs, directory: string): DirectoryEntry[] {
  return fs.readdirSync(directory, { withFileTypes: true }).map(toEntry);
}

/** Scans with a stream of names, which the runtime's threads read ahead. */
export function scanStream(fs: Fs, directory: string): Scan {
  return inChunks(() => fs.promises.opendir(directory, { bufferSize: SCAN_CHUNK }), toEntry);
}

/** Scans with one listing, which a thread of the runtime makes. */
export function scanListing(fs: Fs, directory: string): Scan {
  return inChunks(() => fs.promises.readdir(directory, { withFileTypes: true }), toEntry);
}

/** Groups names into chunks, and yields to the event loop after each chunk. */
export async function* inChunks<Found>(
  open: () => Promise<AsyncIterable<Found> | Iterable<Found>>,
  toEntry: (found: Found) => DirectoryEntry,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  let chunk: DirectoryEntry[] = [];
  try {
    for await (const found of await open()) {
      chunk.push(toEntry(found));
      if (chunk.length < SCAN_CHUNK) continue;
      yield chunk;
      chunk = [];
      await new Promise<void>((turned) => systemClock.soon!(turned));
    }
  } catch (error) {
    throw withCode(error);
  }
  if (chunk.length > 0) yield chunk;
}
