/**
 * Sends dead letters again, for example after a fault of the server was fixed or a limit raised.
 * @module
 */

import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import {
  type DeadLetterEntry,
  isTornEntry,
  readDeadLetters,
} from "../../wal/dead_letters/dead_letter_reader.ts";
import {
  DeadLetterStore,
  isUnfinished,
  unfinishedTransactions,
} from "../../wal/dead_letters/dead_letter_transaction.ts";
import { isKeyDirectory } from "../../wal/processes/python_writer.ts";
import { HEARTBEAT_MS } from "../../wal/processes/failure_detector.ts";
import { deadLettersAreFor, listSegments } from "../../wal/orphans/segment_status.ts";
import { isProcessToken, parseStem, segmentPaths } from "../../wal/segment/segment_name.ts";
import { Resend, type ResendOptions, type RetryResult } from "./resend_dead_letters.ts";

/** Location of a dead letter. */
export interface DeadLetterPlace {
  /** Directory of the project. */
  readonly directory: string;
  /** Segment that it comes from. */
  readonly stem: string;
}

/** Options for a retry. */
export interface RetryOptions extends Omit<ResendOptions, "clock"> {
  readonly runtime: Runtime;
  /** Base URL of the server; dead letters that may be for another server are skipped. */
  readonly server: string;
  /** Sends those too, because the user has selected them. */
  readonly anyServer?: boolean;
  /** Identifies this process in its claims: 32 hex digits. */
  readonly token: string;
  /** Directories of the projects. */
  readonly directories: readonly string[];
  /** Selects the dead letters to send again; by default, those that the server rejected. */
  readonly select?: (entry: DeadLetterEntry, place: DeadLetterPlace) => boolean;
}

/** Reasons that may no longer apply in another version of the server or of this package. */
const SENT_AGAIN = ["refused", "unsendable"];

/**
 * Returns whether a dead letter is sent again by default. Those of the Python SDK have no reason:
 * it dead-letters records that fail once and records that its sender does not know.
 */
export function isSentAgain({ type, error: { reason } }: DeadLetterEntry): boolean {
  return SENT_AGAIN.includes(reason) || (reason === "unknown" && type !== null);
}

/**
 * Sends dead letters again with their original bytes; keeps those that fail again.
 * Resolves when all were answered, without a time limit, or when `stop` is aborted. Rejects with
 * the file system error; nothing is lost then, and a delivered dead letter may still be on disk.
 */
export async function retryDeadLetters(options: RetryOptions): Promise<RetryResult> {
  const { runtime, token, directories } = options;
  const resend = new Resend({ ...options, clock: runtime.clock });
  try {
    for (const directory of directories) {
      if (resend.stopped) break;
      const stems = await stemsToRetry(options, directory);
      if (stems.length === 0 && !isUnfinished(runtime.files, directory)) continue;
      const store = DeadLetterStore.claim(runtime, directory, token);
      if (store === null) {
        resend.busy.push(directory);
        continue;
      }
      const heartbeat = startHeartbeat(runtime, store);
      try {
        for (const stem of stems) {
          if (resend.stopped) break;
          const place = { directory, stem };
          const held = await store.begin(stem);
          if (held) await resend.send(held, (entry) => isSelected(options, entry, place));
        }
      } finally {
        heartbeat.cancel();
        store.release();
      }
    }
    return resend.result();
  } finally {
    resend.end();
  }
}

/** Returns the segments of a project with dead letters to send again, in slices. */
async function stemsToRetry(options: RetryOptions, directory: string): Promise<string[]> {
  const { runtime, runtime: { files, clock } } = options;
  if (files.stat(directory) === null) return [];
  const slices = new Slices(clock);
  // Unfinished transactions are completed first; the selection is applied afterwards.
  const found = new Set(unfinishedTransactions(files, directory));
  for (const stem of await listSegments(runtime, directory)) {
    if (slices.isOver) await slices.next();
    if (!stem.suffixes.has(".deadletter") || found.has(stem.stem)) continue;
    try {
      for await (const entry of readDeadLetters(files, stem.paths.deadLetters)) {
        if (!isSelected(options, entry, { directory, stem: stem.stem })) continue;
        found.add(stem.stem);
        break;
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error; // Another process has sent them again.
    }
  }
  return [...found];
}

function isSelected(
  { select, runtime, server, anyServer }: RetryOptions,
  entry: DeadLetterEntry,
  place: DeadLetterPlace,
): boolean {
  if (isTornEntry(entry)) return false;
  if (!(select ? select(entry, place) : isSentAgain(entry))) return false;
  return anyServer || mayGoTo(runtime, server, entry, place);
}

/**
 * Returns whether a dead letter may be for `server`. Those of the Python SDK contain no server,
 * like its logs.
 */
export function mayGoTo(
  runtime: Runtime,
  server: string,
  { error }: DeadLetterEntry,
  { directory, stem }: DeadLetterPlace,
): boolean {
  if (error.server !== undefined) return error.server === server;
  const paths = segmentPaths(directory, stem);
  const isProcess = isProcessToken(parseStem(stem)?.writer ?? "");
  if (!isProcess && (error.reason === "unknown" || isKeyDirectory(directory))) return true;
  return deadLettersAreFor(runtime, { directory, stem, paths, suffixes: new Set() }, server);
}

/** Periodically sends heartbeats for the claim on the dead letters. */
function startHeartbeat({ clock }: Runtime, store: DeadLetterStore): Timer {
  let timer: Timer;
  const again = (): void => {
    timer = clock.after(HEARTBEAT_MS, () => {
      try {
        store.heartbeat();
      } catch {
        // The disk may be full; the claim is checked before anything is removed.
      }
      again();
    });
  };
  again();
  return { cancel: () => timer.cancel() };
}
