/**
 * A sender's note: what it is doing, for whoever asks from outside.
 *
 * `<root>/.senders/<token>.json`, rewritten at every heartbeat and at every change. The token is the
 * one in the sender's claims. Nothing rests on a note: without it a sender only cannot be asked.
 *
 * @module
 */

import { join } from "@std/path";
import type { FileSystem, Runtime } from "../../runtime/runtime.ts";
import { removeIfThere } from "./lease.ts";
import { ABANDONED_AFTER_MS, STALE_AFTER_MS } from "./failure_detector.ts";
import { ownIdentity, readIdentity } from "./process_identity.ts";
import { type Party, partyOf } from "./segment_status.ts";

/** Directory of the notes, below the root of all logs; no entity's name begins with a dot. */
export const SENDERS_DIRECTORY = ".senders";

/** What a sender says of itself. Never holds the key or traced data. */
export interface SenderReport {
  /** Base URL of the server that it sends to. */
  readonly server: string;
  /** Whether the server takes what is sent (`up`), cannot be reached (`down`) or refuses (`held`). */
  readonly state: "up" | "down" | "held";
  /** Why it is not up. */
  readonly reason: string;
  /** Since when the state holds, epoch ms. */
  readonly since: number;
  /** Records delivered and set aside so far. */
  readonly delivered: number;
  readonly deadLettered: number;
  /** When something was last delivered, epoch ms. */
  readonly lastDelivery: number | null;
  /** What last went wrong, and when, epoch ms. */
  readonly lastError: { readonly message: string; readonly at: number } | null;
}

/** A note as it was found. */
export interface SenderView extends Party, SenderReport {
  readonly token: string;
}

/** The note of this process's sender. */
export class SenderNote {
  readonly #runtime: Runtime;
  readonly #root: string;
  readonly #directory: string;
  readonly #path: string;
  readonly #token: string;
  #swept = false;

  /**
   * @param root Directory of all logs.
   * @param token The sender's token, 32 hex digits.
   */
  constructor(runtime: Runtime, root: string, token: string) {
    this.#runtime = runtime;
    this.#root = root;
    this.#directory = join(root, SENDERS_DIRECTORY);
    this.#path = join(this.#directory, `${token}.json`);
    this.#token = token;
  }

  /**
   * Writes the note; also its heartbeat. The first time it takes away the notes of dead senders:
   * one that is killed again and again would leave more and more of them. Does nothing before there
   * is a log: the root belongs to whoever writes first. Throws the host's error when the disk does
   * not take it.
   */
  write(report: SenderReport): void {
    const { files, process } = this.#runtime;
    if (files.stat(this.#root) === null) return;
    files.makeDirectory(this.#directory);
    files.replace(
      this.#path,
      JSON.stringify({ token: this.#token, ...ownIdentity(process), ...report }),
    );
    if (this.#swept) return;
    this.#swept = true;
    this.sweep();
  }

  /** Takes the note away, those of dead senders, and the directory with the last one. */
  remove(): void {
    const { files } = this.#runtime;
    removeIfThere(files, this.#path);
    this.sweep();
    try {
      files.removeDirectory(this.#directory);
    } catch {
      // Other senders are at work.
    }
  }

  /**
   * Takes away the notes of senders that are known to be dead, or silent for so long that a living
   * one would write its note anew, and what a kill left of a note that was being written. That may
   * be empty and without a note beside it, so that nothing says whose it was: it is old soon, since
   * a living sender puts it in place at once.
   */
  sweep(): void {
    const { files, clock } = this.#runtime;
    // Backwards: what was to become a note comes before the note that says whose it was.
    for (const name of namesIn(files, this.#directory, /^\w+\.json(\.\w+\.tmp)?$/).reverse()) {
      const path = join(this.#directory, name);
      const place = path.replace(/\.\w+\.tmp$/, "");
      const note = readNote(this.#runtime, path) ?? readNote(this.#runtime, place);
      const modified = files.stat(path)?.modified ?? Infinity;
      const oldAfter = path === place ? ABANDONED_AFTER_MS : STALE_AFTER_MS;
      if (note?.standing === "dead" || clock.now() - modified > oldAfter) {
        removeIfThere(files, path);
      }
    }
  }
}

/** The notes below `root`, those of senders that are known to be dead left out. */
export function readSenderNotes(runtime: Runtime, root: string): SenderView[] {
  const directory = join(root, SENDERS_DIRECTORY);
  return namesIn(runtime.files, directory)
    .map((name) => readNote(runtime, join(directory, name)))
    .filter((note) => note !== null)
    .filter(({ standing }) => standing !== "dead");
}

function namesIn(files: FileSystem, directory: string, wanted = /^\w+\.json$/): string[] {
  try {
    return files.list(directory).map(({ name }) => name).filter((name) => wanted.test(name)).sort();
  } catch {
    return [];
  }
}

function readNote(runtime: Runtime, path: string): SenderView | null {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(runtime.files.readText(path)) as Record<string, unknown> | null;
  } catch {
    return null; // Gone, or being made.
  }
  const { token, server, state, reason, since, delivered, deadLettered, lastDelivery, lastError } =
    value ?? {};
  const identity = readIdentity(value);
  if (identity === null || typeof token !== "string" || typeof server !== "string") return null;
  const error = lastError as { message?: unknown; at?: unknown } | null | undefined;
  return {
    ...partyOf(runtime, identity, path),
    token,
    server,
    state: state === "down" || state === "held" ? state : "up",
    reason: typeof reason === "string" ? reason : "",
    since: numberOr(since, 0),
    delivered: numberOr(delivered, 0),
    deadLettered: numberOr(deadLettered, 0),
    lastDelivery: typeof lastDelivery === "number" ? lastDelivery : null,
    lastError: typeof error?.message === "string"
      ? { message: error.message, at: numberOr(error.at, 0) }
      : null,
  };
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
