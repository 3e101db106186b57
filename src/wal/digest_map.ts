/**
 * Which digest the server gave in place of a provisional one.
 *
 * `<root>/.digests.jsonl`, one line `["<provisional>","<digest>"]` each, appended by every sender
 * and forced to stable storage before the record that was answered is acknowledged: later records,
 * of any process, refer to it.
 *
 * @module
 */

import { join } from "@std/path";
import { findByte } from "../bytes/find_byte.ts";
import type { FileSystem } from "../runtime/runtime.ts";
import { DIGEST_LENGTH, PROVISIONAL, TABLE_DIGEST_LENGTH } from "../protocol/digest/provisional.ts";
import { writeAll } from "./dead_letters/dead_letter_file.ts";

/** Name of the book below the root of all logs. */
export const DIGEST_MAP_NAME = ".digests.jsonl";

const FIRST = PROVISIONAL.charCodeAt(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const TOKEN = /^PROVISIONAL[0-9a-f]+$/;
/** Only such characters keep the JSON text around them valid. */
const DIGEST = /^[\w-]+$/;
const MARK = encoder.encode(PROVISIONAL);

/** Provisional digests and what became of them. */
export class DigestMap {
  readonly #files: FileSystem | null;
  readonly #path: string;
  readonly #digests = new Map<string, string>();
  /** Size of the file when it was last read. */
  #read = 0;

  /**
   * Opens the book of a root directory; nothing is on disk before the first digest.
   *
   * @param files `null` keeps the book in memory.
   */
  constructor(files: FileSystem | null, root: string) {
    this.#files = files;
    this.#path = join(root, DIGEST_MAP_NAME);
  }

  /** Whether there is any provisional digest that may be in a request. */
  get inUse(): boolean {
    if (this.#digests.size === 0 && this.#files?.exists(this.#path)) this.#reload();
    return this.#digests.size > 0;
  }

  /** The server's digest for a provisional one; `undefined` while it is not known. */
  final(provisional: string): string | undefined {
    const known = this.#digests.get(provisional);
    if (known !== undefined) return known;
    this.#reload();
    return this.#digests.get(provisional);
  }

  /** Keeps what the server answered; on stable storage when it resolves. */
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
        // What a crash left of a line gets an end of its own.
        const lines = fresh.map((entry) => `${JSON.stringify(entry)}\n`).join("");
        writeAll(file, encoder.encode(file.size() > 0 ? `\n${lines}` : lines));
        await file.dataSync();
      } finally {
        file.close();
      }
    } catch {
      // A disk that does not take it leaves it to this process, which sends what follows.
    }
  }

  /** Puts the server's digests in place of the provisional ones in a request, in place. */
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
      // Not there, or not to be read now: what is in memory has to do.
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
    // One of another length would not fit into the bytes of a request.
    return typeof provisional === "string" && typeof digest === "string" &&
        TOKEN.test(provisional) && DIGEST.test(digest) && provisional.length === digest.length
      ? [provisional, digest]
      : null;
  } catch {
    return null;
  }
}
