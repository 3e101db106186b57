/**
 * Finds complete records in a corrupt line.
 *
 * A lost newline joins two records on one line, and a writer that dies or finds the disk full
 * leaves a fragment before the next record. An object inside the traced data may look like a
 * record. It is never mistaken for one, because records only count at positions where no JSON value
 * can begin.
 *
 * @module
 */

import { objectEnd } from "../../bytes/json_fields.ts";
import { isValidRecord, readRecord, type RecordSpan } from "./record.ts";

/** A part of a line. */
export interface LinePiece {
  readonly start: number;
  readonly end: number;
  /** Whether it is a complete record. */
  readonly sound: boolean;
}

/** Maximum number of positions to try in one line; more are not worth the time. */
const MAX_PLACES = 64;
/** A value may begin after these: colon, comma, bracket, white space. */
const BEFORE_VALUE: ReadonlySet<number> = new Set([58, 44, 91, 32, 9, 13]);
const OPENING = new TextEncoder().encode('{"type":');

/** Splits a line that is not a record into complete records and the text around them, in order. */
export function splitDamaged(line: Uint8Array): LinePiece[] {
  const pieces: LinePiece[] = [];
  let at = addRecords(line, 0, pieces);
  const places = MAX_PLACES - pieces.length;
  for (const place of recordPlaces(line, at + 1, places)) {
    const found: LinePiece[] = [];
    if (addRecords(line, place, found) !== line.length) continue;
    pieces.push({ start: at, end: place, sound: false }, ...found);
    at = line.length;
    break;
  }
  if (at < line.length) pieces.push({ start: at, end: line.length, sound: false });
  return pieces;
}

/** Adds consecutive records from `start` on, and returns the end of the last one. */
function addRecords(line: Uint8Array, start: number, pieces: LinePiece[]): number {
  const span: RecordSpan = { code: 0, start: 0, end: 0, canonical: true };
  let at = start;
  for (let count = 0; count < MAX_PLACES && at < line.length; count++) {
    const end = startsWith(line, at, OPENING) ? objectEnd(line, at, line.length) : undefined;
    if (end === undefined || !isValidRecord(line, at, end) || !readRecord(line, at, end, span)) {
      break;
    }
    pieces.push({ start: at, end, sound: true });
    at = end;
  }
  return at;
}

/**
 * Returns the positions from `from` on where a record, but no value inside another record, may
 * begin.
 */
function recordPlaces(line: Uint8Array, from: number, limit: number): number[] {
  const places: number[] = [];
  for (
    let at = line.indexOf(OPENING[0], from);
    at !== -1 && places.length < limit;
    at = line.indexOf(OPENING[0], at + 1)
  ) {
    if (startsWith(line, at, OPENING) && !BEFORE_VALUE.has(line[at - 1])) places.push(at);
  }
  return places;
}

function startsWith(line: Uint8Array, at: number, text: Uint8Array): boolean {
  return text.every((byte, index) => line[at + index] === byte);
}
