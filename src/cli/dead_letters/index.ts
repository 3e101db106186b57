/**
 * Dead letters, numbered, and which of them a command means.
 *
 * @module
 */

import { basename } from "@std/path";
import type { DeadLetterEntry } from "../../wal/dead_letters/dead_letter_reader.ts";
import { CommandError } from "../exit_codes.ts";
import { quoted } from "../terminal/format.ts";
import type { DeadLetterFilter, DeadLetterSource, PlacedDeadLetter } from "./source.ts";

/** A dead letter and its number. */
export interface IndexedDeadLetter extends PlacedDeadLetter {
  /** Its number among all dead letters of the log, from 1. */
  readonly number: number;
}

/**
 * Reads the dead letters that match `filter`, in order, one at a time.
 *
 * @throws {CommandError} At the end, for names that match no dead letter.
 */
export async function* readIndex(
  source: DeadLetterSource,
  filter: DeadLetterFilter,
): AsyncGenerator<IndexedDeadLetter> {
  const missing = new Set(filter.names);
  let number = 0;
  for await (const placed of source.all()) {
    const deadLetter = { ...placed, number: ++number };
    missing.delete(String(deadLetter.number));
    missing.delete(deadLetter.id);
    if (passes(deadLetter, filter) && isFor(source, deadLetter, filter)) yield deadLetter;
  }
  for (const name of missing) {
    throw new CommandError(`Cannot find a dead letter: ${quoted(name)}`, {
      hint: "weave-wal dead-letters list --all shows their numbers and IDs",
    });
  }
}

/** The permanent ID of a dead letter: its segment or message, and its offset in it. */
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

/** Returns whether a dead letter is for the server in the filter. */
function isFor(
  source: DeadLetterSource,
  deadLetter: IndexedDeadLetter,
  { server }: DeadLetterFilter,
): boolean {
  return server === undefined || source.mayGoTo(server, deadLetter);
}

/** Returns the fields of a dead letter, without its request. */
export function deadLetterJson(deadLetter: IndexedDeadLetter): Record<string, unknown> {
  const { number, id, entity, project, file, entry } = deadLetter;
  return {
    number,
    id,
    entity,
    project,
    file,
    type: entry.type ?? "unreadable",
    bytes: entry.request?.length ?? entry.error.length ?? entry.length,
    error: entry.error,
    ...(entry.corrupt === undefined ? {} : { corrupt: entry.corrupt }),
    ...(entry.quarantine === null
      ? {}
      : { quarantine: { file: basename(deadLetter.quarantinePath), ...entry.quarantine } }),
  };
}
