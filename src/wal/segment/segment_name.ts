/**
 * Names on disk: segments, their sidecars, the directory of a project.
 *
 * A segment is `<20-digit ns>_<32 hex of the writer>.jsonl`; the names sort oldest first. All
 * segments of one writer carry the same hex part: together, in order, they are its stream.
 *
 * @module
 */

import { join } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import { sha256 } from "../../protocol/digest/sha256.ts";

/** The ending of a segment's file name. */
export const SEGMENT_SUFFIX = ".jsonl";
/** The ending of the name of a segment's fence. */
export const FENCE_SUFFIX = ".fence";

/** The ending of the name of the file with the calls that are open behind a segment. */
export const OPEN_SUFFIX = ".open";
/** The ending of the name of the file with the starts of spans that were begun with a segment. */
export const STARTED_SUFFIX = ".started";
/** The ending of a closing segment before it counts. */
export const CLOSING_SUFFIX = ".closing";
/** The ending of a closing segment that was delivered. */
export const CLOSED_SUFFIX = ".closed";

/** The part of a segment's name before its ending. */
export interface SegmentStem {
  /** `<20-digit ns>_<uuid hex>`. */
  readonly stem: string;
  /** When the segment was begun, 20 digits of epoch nanoseconds. */
  readonly time: string;
  /** The writer's token, 32 hex digits. */
  readonly writer: string;
}

const STEM = /^(\d{20})_([0-9a-f]{32})$/;
/** Digits of a writer's token that identify its server. */
const SERVER_DIGITS = 8;

/** Position and value of the digit that tells tokens of this package: the version of a UUID. */
const VERSION_AT = 12, VERSION = "8";

/**
 * Makes a process token of 32 random hex digits. Its last digits identify `server`, the base URL that
 * the records of the process are for: a name survives a machine crash that empties files. Read as a
 * UUID it has version 8 (RFC 9562, custom); tokens of other writers of the format have other versions.
 */
export function writerToken(token: string, server: string): string {
  return token.slice(0, VERSION_AT) + VERSION + token.slice(VERSION_AT + 1, -SERVER_DIGITS) +
    serverDigits(server);
}

/** Whether a token was made by {@linkcode writerToken}. */
export function isProcessToken(token: string): boolean {
  return token[VERSION_AT] === VERSION;
}

/** Whether a segment of this writer can be for `server`, where nothing but its name is left. */
export function mayTarget(server: string, writer: string): boolean {
  return writer.endsWith(serverDigits(server));
}

/** The hex digits that identify a server in names. */
export function serverDigits(server: string): string {
  const bytes = sha256(new TextEncoder().encode(server)).subarray(0, SERVER_DIGITS / 2);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Forms the stem of a segment begun at `ns` (epoch nanoseconds) by the writer with this token. */
export function formatStem(ns: bigint, writer: string): SegmentStem {
  const time = ns.toString().padStart(20, "0");
  return { stem: `${time}_${writer}`, time, writer };
}

/** Reads a stem; `null` when `text` is none. */
export function parseStem(text: string): SegmentStem | null {
  const match = STEM.exec(text);
  return match ? { stem: text, time: match[1], writer: match[2] } : null;
}

/** Writers begin segments at whole microseconds. */
const CLOSING_NS = 999n;
const CLOSING = /^\d{17}999_/;

/** The stem of the segment that ends the calls of a dead writer whose last stem is `last`. */
export function closingStem({ time, writer }: SegmentStem): string {
  return formatStem(BigInt(time) + CLOSING_NS, writer).stem;
}

/** Whether the segment `stem` ends the calls of a dead writer: another process wrote it. */
export function isClosingStem(stem: string): boolean {
  return CLOSING.test(stem) && isProcessToken(stem.slice(-32));
}

/** The paths of a segment and its sidecars. */
export interface SegmentPaths {
  /** The records. */
  readonly data: string;
  /** The writer's PID in decimal; its presence says that the writer has not closed the segment. */
  readonly lock: string;
  /** Who wrote the segment and for which server, JSON; only version 0.1 made such files. */
  readonly owner: string;
  /** The acknowledged byte offset in decimal. */
  readonly checkpoint: string;
  /** Dead letters: rejected records with their reasons, JSONL. */
  readonly deadLetters: string;
  /** Raw bytes of corrupt records that a dead letter points to. */
  readonly quarantine: string;
  /** The prefix of claim files; only version 0.1 made such files. */
  readonly claim: string;
  /** Exists if another process presumed the writer dead; see `fence.ts`. */
  readonly fence: string;
  /** The calls that are open behind the segment; see `open_calls_file.ts`. */
  readonly open: string;
  /** Spans as they were when they began, as records that are not sent. */
  readonly started: string;
  /** A closing segment before it counts, and when it was delivered; see `close_interrupted.ts`. */
  readonly closing: string;
  readonly closed: string;
}

/** Forms the paths of the segment `stem` in `directory`. */
export function segmentPaths(directory: string, stem: string): SegmentPaths {
  const base = join(directory, stem);
  return {
    data: base + SEGMENT_SUFFIX,
    lock: `${base}.lock`,
    owner: `${base}.owner`,
    checkpoint: `${base}.checkpoint`,
    deadLetters: `${base}.deadletter`,
    quarantine: `${base}.quarantine`,
    claim: `${base}.claim.`,
    fence: base + FENCE_SUFFIX,
    open: base + OPEN_SUFFIX,
    started: base + STARTED_SUFFIX,
    closing: base + CLOSING_SUFFIX,
    closed: base + CLOSED_SUFFIX,
  };
}

/** Most characters of an entity or project name. */
export const MAX_NAME_LENGTH = 128;

/**
 * Checks an entity or project name before it becomes a part of a path.
 *
 * @param kind What the name names, for the message.
 * @returns The name, unchanged.
 * @throws {WeaveWalError} `ERR_INVALID_NAME` for an empty name, one over 128 characters, `.`, `..`,
 *   a leading dot, and names with separators, colons, control characters or lone surrogates.
 */
export function validateName(kind: "entity" | "project", name: string): string {
  const refuse = (why: string): never => {
    throw new WeaveWalError(
      "ERR_INVALID_NAME",
      `Cannot use ${kind} name: ${JSON.stringify(name)} ${why}`,
    );
  };
  if (typeof name !== "string" || name === "") {
    return refuse('is empty; name it as "entity/project"');
  }
  if (name.length > MAX_NAME_LENGTH) return refuse(`is longer than ${MAX_NAME_LENGTH} characters`);
  if (name.startsWith(".")) return refuse("starts with a dot");
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f/\\:]/.test(name)) {
    return refuse("has a separator, a colon or a control character");
  }
  if (/[\ud800-\udfff]/u.test(name)) return refuse("is not well-formed Unicode");
  return name;
}

/** The directory that holds a project's segments. */
export function projectDirectory(root: string, entity: string, project: string): string {
  return join(
    root,
    directoryName(validateName("entity", entity)),
    directoryName(validateName("project", project)),
  );
}

/** Bytes of a name that every file system takes: most take 255, eCryptfs 143. */
const MAX_NAME_BYTES = 143;

const encoder = new TextEncoder();

/**
 * The name of the directory of an entity or a project: its own, or its beginning and a digest where
 * that is too long.
 */
export function directoryName(name: string): string {
  if (encoder.encode(name).length <= MAX_NAME_BYTES) return name;
  const digest = sha256(encoder.encode(name)).subarray(0, 16);
  const end = `~${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  let start = "";
  let length = end.length;
  for (const character of name) {
    length += encoder.encode(character).length;
    if (length > MAX_NAME_BYTES) break;
    start += character;
  }
  return start + end;
}

/** Directory of the leases, below a project's. */
export const RECOVERY_DIRECTORY = ".recovery";

/** The directory of leases that was asked for last, up to the separator: most questions repeat it. */
let lastLeases = { directory: "", start: "" };

function leaseAt(directory: string, name: string): string {
  if (lastLeases.directory !== directory) {
    lastLeases = { directory, start: join(directory, RECOVERY_DIRECTORY, "_").slice(0, -1) };
  }
  return lastLeases.start + name;
}

/** The prefix of the leases under which segments of processes for `server` are recovered. */
export function leasePrefix(directory: string, server: string): string {
  return leaseAt(directory, `${serverDigits(server)}.`);
}

/**
 * The prefix of the leases under which segments of other writers are recovered. The names of those
 * tell no server, so that senders for different servers may drain them, and have to agree.
 */
export function sharedLeasePrefix(directory: string): string {
  return leaseAt(directory, "shared.");
}

/** The prefix of the leases under which the segments of a writer are recovered. */
export function recoveryLease(directory: string, writer: string): string {
  if (!isProcessToken(writer)) return sharedLeasePrefix(directory);
  return leaseAt(directory, `${writer.slice(-SERVER_DIGITS)}.`);
}
