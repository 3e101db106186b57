/**
 * Lists directories: small ones at once, large ones without blocking the event loop.
 *
 * Longest block of the event loop and CPU to scan 100,000 names on a busy machine with two cores:
 * Node 1 ms of 130 (16 ms of 200 with a promise for each name), Bun 9 ms of 100, Deno
 * (`Deno.readDir`) 8 ms of 200. Bun's `opendir` lists synchronously, and so does that of Deno's
 * `node:fs` (450 ms), so each runtime uses a different function.
 *
 * @module
 */

import type { Dirent } from "node:fs";
import { systemClock } from "../clock.ts";
import { withCode } from "../coded_error.ts";
import { Slices } from "../event_loop.ts";
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
export async function* scanStream(
  fs: Fs,
  directory: string,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  const slices = new Slices(systemClock);
  try {
    const names = await fs.promises.opendir(directory, { bufferSize: SCAN_CHUNK });
    try {
      for (;;) {
        const first = await names.read();
        if (first === null) break;
        const chunk = [toEntry(first)];
        // What the thread has read is in a buffer: a promise for each name would take longer.
        while (chunk.length < SCAN_CHUNK) {
          const next = names.readSync();
          if (next === null) break;
          chunk.push(toEntry(next));
        }
        yield chunk;
        if (slices.isOver) await slices.next();
      }
    } finally {
      await names.close();
    }
  } catch (error) {
    throw withCode(error);
  }
}

/** The listing in progress. */
let listing: Promise<unknown> = Promise.resolve();

/**
 * Scans with one listing, which a thread of the runtime makes. The runtime makes the names from it at
 * once, so that only one listing is in progress at a time.
 */
export async function* scanListing(
  fs: Fs,
  directory: string,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  const slices = new Slices(systemClock);
  const own = listing.then(() => fs.promises.readdir(directory, { withFileTypes: true }));
  listing = own.then(() => slices.next(), () => {});
  let names: Dirent[];
  try {
    names = await own;
  } catch (error) {
    throw withCode(error);
  }
  for (let at = 0; at < names.length; at += SCAN_CHUNK) {
    if (slices.isOver) await slices.next();
    yield names.slice(at, at + SCAN_CHUNK).map(toEntry);
  }
}

/** Groups names into chunks, and yields to the event loop between them when it is time. */
export async function* inChunks<Found>(
  open: () => AsyncIterable<Found>,
  toEntry: (found: Found) => DirectoryEntry,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  const slices = new Slices(systemClock);
  let chunk: DirectoryEntry[] = [];
  try {
    for await (const found of open()) {
      chunk.push(toEntry(found));
      if (chunk.length < SCAN_CHUNK) continue;
      yield chunk;
      chunk = [];
      if (slices.isOver) await slices.next();
    }
  } catch (error) {
    throw withCode(error);
  }
  if (chunk.length > 0) yield chunk;
}
