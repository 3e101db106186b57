/**
 * The dead letters below a root, numbered, and which of them a command means.
 *
 * @module
 */

import { basename } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import {
  type DeadLetterEntry,
  isTornEntry,
  readDeadLetters,
} from "../../wal/dead_letters/dead_letter_reader.ts";
import { mayGoTo } from "../../delivery/retry_dead_letters.ts";
import { deadLetterPaths } from "./files.ts";
import { CommandError } from "../exit_codes.ts";
import { quoted } from "../terminal/format.ts";
import { findLogs } from "../logs/log_files.ts";
import type { LogFilter, ProjectPath } from "../logs/projects.ts";

/** A dead letter and its location. */
export interface IndexedDeadLetter extends ProjectPath {
  /** Its number among all dead letters below the root, from 1. */
  readonly number: number;
  /** `<stem>:<offset>`: names it for good. */
  readonly id: string;
  readonly stem: string;
  /** Path of its raw bytes, where it points to some. */
  readonly quarantinePath: string;
  readonly entry: DeadLetterEntry;
}

/** Which dead letters are meant. */
export interface DeadLetterFilter extends LogFilter {
  /** Numbers or ids; all where empty. */
  readonly names: readonly string[];
  readonly reasons?: readonly string[];
  readonly types?: readonly string[];
  readonly statuses?: readonly number[];
}

/**
 * Reads the dead letters that `filter` means, in order, one at a time.
 *
 * @throws {CommandError} at the end, for names that no dead letter has.
 */
export async function* readIndex(
  runtime: Runtime,
  root: string,
  filter: DeadLetterFilter,
): AsyncGenerator<IndexedDeadLetter> {
  const missing = new Set(filter.names);
  let number = 0;
  for (
    const { entity, project, directory, stems, python } of await findLogs(
      runtime,
      undefined,
      root,
      filter.pythonRoot === undefined ? {} : { pythonRoot: filter.pythonRoot },
    )
  ) {
    for (const { path, stem, quarantine } of deadLetterPaths(runtime.files, directory, stems)) {
      try {
        for await (const entry of readDeadLetters(runtime.files, path)) {
          if (isTornEntry(entry)) continue;
          const deadLetter: IndexedDeadLetter = {
            number: ++number,
            id: deadLetterId(stem, entry),
            entity,
            project,
            directory,
            ...(python ? { python } : {}),
            stem,
            quarantinePath: quarantine,
            entry,
          };
          missing.delete(String(deadLetter.number));
          missing.delete(deadLetter.id);
          if (passes(deadLetter, filter) && isFor(runtime, deadLetter, filter)) yield deadLetter;
        }
      } catch (error) {
        if (!hasCode(error, "ENOENT")) throw error; // Retried or dropped while we looked.
      }
    }
  }
  for (const name of missing) {
    throw new CommandError(`Cannot find a dead letter: ${quoted(name)}`, {
      hint: "weave-wal dead-letters list --all shows their numbers and ids",
    });
  }
}

/** The permanent ID of a dead letter: its segment and its offset in it. */
export function deadLetterId(stem: string, { error, position }: DeadLetterEntry): string {
  return `${stem}:${error.offset ?? `@${position}`}`;
}

function passes(deadLetter: IndexedDeadLetter, filter: DeadLetterFilter): boolean {
  const { entity, project, names, reasons = [], types = [], statuses = [] } = filter;
  const { error, type } = deadLetter.entry;
  return (entity === undefined || entity === deadLetter.entity) &&
    (project === undefined || project === deadLetter.project) &&
    (names.length === 0 || names.includes(String(deadLetter.number)) ||
      names.includes(deadLetter.id)) &&
    (reasons.length === 0 || reasons.includes(error.reason)) &&
    (types.length === 0 || types.includes(type ?? "unreadable")) &&
    (statuses.length === 0 || (error.status !== undefined && statuses.includes(error.status)));
}

/** Whether a dead letter is one of the server that the filter names. */
function isFor(
  runtime: Runtime,
  deadLetter: IndexedDeadLetter,
  { server }: DeadLetterFilter,
): boolean {
  if (server === undefined) return true;
  return mayGoTo(runtime, server, deadLetter.entry, deadLetter);
}

/** The fields of a dead letter, without its request. */
export function deadLetterJson(deadLetter: IndexedDeadLetter): Record<string, unknown> {
  const { number, id, entity, project, stem, entry } = deadLetter;
  return {
    number,
    id,
    entity,
    project,
    file: `${stem}.deadletter`,
    type: entry.type ?? "unreadable",
    bytes: entry.request?.length ?? entry.error.length ?? entry.length,
    error: entry.error,
    ...(entry.corrupt === undefined ? {} : { corrupt: entry.corrupt }),
    ...(entry.quarantine === null
      ? {}
      : { quarantine: { file: basename(deadLetter.quarantinePath), ...entry.quarantine } }),
  };
}
