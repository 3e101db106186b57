/**
 * Sends dead letters again: after a mistake at the server was fixed, or a limit raised.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import {
  type DeadLetterEntry,
  isTornEntry,
  readDeadLetters,
} from "../../wal/dead_letters/dead_letter_reader.ts";
import {
  DeadLetterStore,
  unfinishedTransactions,
} from "../../wal/dead_letters/dead_letter_transaction.ts";
import { isKeyDirectory } from "../../wal/ownership/python_writer.ts";
import { HEARTBEAT_MS } from "../../wal/ownership/failure_detector.ts";
import { deadLettersAreFor, listSegments } from "../../wal/ownership/segment_status.ts";
import { isProcessToken, parseStem, segmentPaths } from "../../wal/segment/segment_name.ts";
import { Resend, type ResendOptions, type RetryResult } from "./resend_dead_letters.ts";

/** The place of a dead letter. */
export interface DeadLetterPlace {
  /** The project's directory. */
  readonly directory: string;
  /** The segment that it comes from. */
  readonly stem: string;
}

/** Options for a retry. */
export interface RetryOptions extends Omit<ResendOptions, "clock"> {
  readonly runtime: Runtime;
  /** Base URL of the server; dead letters that may be for another one are left alone. */
  readonly server: string;
  /** Sends them all the same: the user has named them. */
  readonly anyServer?: boolean;
  /** Names this process in its claims: 32 hex digits. */
  readonly token: string;
  /** The projects' directories. */
  readonly directories: readonly string[];
  /** Which dead letters are sent again; those that the server refused unless given. */
  readonly select?: (entry: DeadLetterEntry, place: DeadLetterPlace) => boolean;
}

/** Reasons that another version of the server, or of this package, may not have any more. */
const SENT_AGAIN = ["refused", "unsendable"];

/**
 * Whether a dead letter is sent again unless others are chosen. The Python SDK names no reason: it sets
 * aside what fails once, and what its sender does not know.
 */
export function isSentAgain({ type, error: { reason } }: DeadLetterEntry): boolean {
  return SENT_AGAIN.includes(reason) || (reason === "unknown" && type !== null);
}

/**
 * Sends dead letters again, each with the bytes that it had; keeps those that fail again.
 *
 * Resolves when all were answered, however long the server takes, or when `stop` is aborted. Rejects
 * with the host's error when the disk fails; then nothing is lost, and a dead letter that was
 * delivered may still be there.
 */
export async function retryDeadLetters(options: RetryOptions): Promise<RetryResult> {
  const { runtime, token, directories } = options;
  const resend = new Resend({ ...options, clock: runtime.clock });
  try {
    for (const directory of directories) {
      if (resend.stopped) break;
      const stems = await stemsToRetry(options, directory);
      if (stems.length === 0) continue;
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

/** The segments of a project that have something to send again. */
async function stemsToRetry(options: RetryOptions, directory: string): Promise<string[]> {
  const { runtime, runtime: { files } } = options;
  if (files.stat(directory) === null) return [];
  // Those are put back first; whether they are wanted is seen then.
  const found = unfinishedTransactions(files, directory);
  for (const stem of await listSegments(runtime, directory)) {
    if (!stem.suffixes.has(".deadletter") || found.includes(stem.stem)) continue;
    try {
      for await (const entry of readDeadLetters(runtime.files, stem.paths.deadLetters)) {
        if (!isSelected(options, entry, { directory, stem: stem.stem })) continue;
        found.push(stem.stem);
        break;
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error; // Another process has sent them again.
    }
  }
  return found;
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

/** Whether a dead letter may be for `server`. Those of the Python SDK name none, as its logs do. */
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

/** Shows every few seconds that the claim on the dead letters is alive. */
function startHeartbeat({ clock }: Runtime, store: DeadLetterStore): Timer {
  let timer: Timer;
  const again = (): void => {
    timer = clock.after(HEARTBEAT_MS, () => {
      try {
        store.heartbeat();
      } catch {
        // A full disk; the claim is looked at before anything is removed.
      }
      again();
    });
  };
  again();
  return { cancel: () => timer.cancel() };
}
