/**
 * Maps provisional digests to the digests that the server returned for them.
 *
 * `<root>/.digests.jsonl` has one line `["<provisional>","<digest>"]` per digest. Every sender
 * appends to it, and syncs it before it acknowledges the record, because later records of any
 * process refer to the digest.
 *
 * @module
 */

import { join } from "@std/path";
import { findByte } from "../bytes/find_byte.ts";
import type { FileSystem } from "../runtime/file_system.ts";
import { DIGEST_LENGTH, PROVISIONAL, TABLE_DIGEST_LENGTH } from "../protocol/digest/provisional.ts";
import { writeAll } from "./dead_letters/dead_letter_file.ts";

/** Name of the file in the root directory of all logs. */
export const DIGEST_MAP_NAME = ".digests.jsonl";

const FIRST = PROVISIONAL.charCodeAt(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const TOKEN = /^PROVISIONAL[0-9a-f]+$/;
/** Only these characters keep the surrounding JSON text valid. */
const DIGEST = /^[\w-]+$/;
const MARK = encoder.encode(PROVISIONAL);

/** Provisional digests and the server's digests for them. */
export class DigestMap {
  readonly #files: FileSystem | null;
  readonly #path: string;
  readonly #digests = new Map<string, string>();
  /** Size of the file when it was last read. */
  #read = 0;

  /**
   * Opens the map of a root directory. The file is created with the first digest.
   *
   * @param files `null` keeps the map in memory.
   */
  constructor(files: FileSystem | null, root: string) {
    this.#files = files;
    this.#path = join(root, DIGEST_MAP_NAME);
  }

  /** Whether requests may contain provisional digests. */
  get inUse(): boolean {
    if (this.#digests.size === 0 && this.#files?.exists(this.#path)) this.#reload();
    return this.#digests.size > 0;
  }

  /** Returns the server's digest for a provisional one; `undefined` if it is not known yet. */
  final(provisional: string): string | undefined {
    const known = this.#digests.get(provisional);
    if (known !== undefined) return known;
    this.#reload();
    return this.#digests.get(provisional);
  }

  /** Adds digests that the server returned, and syncs the file before it resolves. */
  async learn(entries: readonly (readonly [provisional: string, digest: string])[]): Promise<void> {
    const fresh = entries.filter(([provisional, digest]) =>
      provisional.length === digest.length && DIGEST.test(digest) &&
      this.final(provisional) !== digest
    );
    if (fresh.length === 0) return;
    for (const [provisional, digest] of fresh) this.#digests.set(provisional, digest);
    if (this.#files === null) return;
    try {
      const file = this.#files.openAppend(this.#path);
      try {
        // Start on a new line, in case a crash left a partial one.
        const lines = fresh.map((entry) => `${JSON.stringify(entry)}\n`).join("");
        writeAll(file, encoder.encode(file.size() > 0 ? `\n${lines}` : lines));
        await file.dataSync();
      } finally {
        file.close();
      }
    } catch {
      // On a disk error the digests stay in memory, where this process finds them.
    }
  }

  /** Replaces the provisional digests in a request with the server's, in place. */
  settle(body: Uint8Array): void {
    for (let at = findByte(body, FIRST, 0, body.length); at !== -1;) {
      if (isMark(body, at)) this.#replace(body, at);
      at = findByte(body, FIRST, at + 1, body.length);
    }
  }

  #replace(body: Uint8Array, at: number): void {
    for (const length of [TABLE_DIGEST_LENGTH, DIGEST_LENGTH]) {
      const provisional = decoder.decode(body.subarray(at, at + length));
      if (!TOKEN.test(provisional)) continue;
      const digest = this.final(provisional);
      if (digest === undefined) continue;
      body.set(encoder.encode(digest), at);
      return;
    }
  }

  #reload(): void {
    if (!this.#files) return;
    try {
      const size = this.#files.stat(this.#path)?.size ?? 0;
      if (size === this.#read) return;
      this.#read = size;
      for (const line of this.#files.readText(this.#path, { maxBytes: Infinity }).split("\n")) {
        const entry = parse(line);
        if (entry) this.#digests.set(entry[0], entry[1]);
      }
    } catch {
      // The file does not exist or cannot be read now: use what is in memory.
    }
  }
}

function isMark(body: Uint8Array, at: number): boolean {
  for (let i = 1; i < MARK.length; i++) {
    if (body[at + i] !== MARK[i]) return false;
  }
  return true;
}

function parse(line: string): [string, string] | null {
  if (line === "") return null;
  try {
    const [provisional, digest] = JSON.parse(line) as unknown[];
    // A digest of another length would not fit into the request.
    return typeof provisional === "string" && typeof digest === "string" &&
        TOKEN.test(provisional) && DIGEST.test(digest) && provisional.length === digest.length
      ? [provisional, digest]
      : null;
  } catch {
    return null;
  }
}
