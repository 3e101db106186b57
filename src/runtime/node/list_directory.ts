/**
 * Lists directories: small ones at once, large ones without holding the event loop.
 *
 * For 100,000 names on a machine with two cores, longest time that the event loop stood still and
 * the whole scan: Node 5 ms of 110 ms, Bun 8 ms of 80 ms, Deno (`Deno.readDir`) 8 ms of 210 ms;
 * for 30,000 names 1 of 30, 4 of 27 and 1 of 85. Bun's `opendir` lists synchronously (31 ms), as does
 * that of Deno's `node:fs` (375 ms).
 *
 * @module
 */

import type { DirectoryEntry, FileKind } from "../runtime.ts";

type Fs = typeof import("node:fs");

/** What the host tells of a name. */
export interface Kinds {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** Names in one chunk of a scan. */
export const SCAN_CHUNK = 1024;

/** What a path is, from the host's answer. */
export function kindOf(entry: Kinds): FileKind {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "symlink" : "other";
}

/** Lists a directory at once. */
export function list(fs: Fs, directory: string): DirectoryEntry[] {
  return fs.readdirSync(directory, { withFileTypes: true }).map(toEntry);
}

/** Scans through a stream of names, which reads ahead by one chunk. */
export async function* scanStream(
  fs: Fs,
  directory: string,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  const names = await fs.promises.opendir(directory, { bufferSize: SCAN_CHUNK });
  let chunk: DirectoryEntry[] = [];
  for await (const entry of names) {
    chunk.push(toEntry(entry));
    if (chunk.length === SCAN_CHUNK) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** Scans through one listing that the host's threads make. */
export async function* scanListing(
  fs: Fs,
  directory: string,
): AsyncGenerator<readonly DirectoryEntry[], void, undefined> {
  const entries = await fs.promises.readdir(directory, { withFileTypes: true });
  for (let from = 0; from < entries.length; from += SCAN_CHUNK) {
    yield entries.slice(from, from + SCAN_CHUNK).map(toEntry);
    // Promises alone would keep the event loop from turning between two chunks.
    await new Promise<void>((done) => setTimeout(done, 0));
  }
}

function toEntry(entry: Kinds & { readonly name: string }): DirectoryEntry {
  return { name: entry.name, kind: kindOf(entry) };
}
