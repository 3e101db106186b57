/**
 * Names on disk: segments, their sidecars, the directory of a project.
 *
 * A segment is `<20-digit ns>_<32 hex digits of the writer>.jsonl`; the names sort oldest first.
 * All segments of one writer share the hex part, and form its stream in order.
 *
 * @module
 */

import { join } from "@std/path";
import { toHex } from "../../protocol/digest/hex.ts";
import { sha256 } from "../../protocol/digest/sha256.ts";

/** File name extension of a segment. */
export const SEGMENT_SUFFIX = ".jsonl";
/** Suffix of a segment's fence file. */
export const FENCE_SUFFIX = ".fence";

/** Suffix of the file with the calls that are open after a segment. */
export const OPEN_SUFFIX = ".open";
/** Suffix of the file with the spans that were started during a segment. */
const STARTED_SUFFIX = ".started";
/** Suffix of a closing segment before it takes effect. */
export const CLOSING_SUFFIX = ".closing";
/** Suffix of a delivered closing segment. */
export const CLOSED_SUFFIX = ".closed";

/** The part of a segment's name before its suffix. */
export interface SegmentStem {
  /** `<20-digit ns>_<uuid hex>`. */
  readonly stem: string;
  /** Time at which the segment was created, 20 digits of epoch nanoseconds. */
  readonly time: string;
  /** The writer's token, 32 hex digits. */
  readonly writer: string;
}

const STEM = /^(\d{20})_([0-9a-f]{32})$/;
/** Digits of a writer's token, with which a stem ends. */
export const WRITER_DIGITS = 32;
/** Number of digits of a writer's token that identify its server. */
const SERVER_DIGITS = 8;

/** Position and value of the digit that marks tokens of this package: the version of a UUID. */
const VERSION_AT = 12, VERSION = "8";

/**
 * Creates a process token from 32 random hex digits. Its last digits identify `server`, the base
 * URL for the process's records: a name survives a machine crash that empties files. Read as a
 * UUID, it has version 8 (RFC 9562, custom); tokens of other writers of the format have other
 * versions.
 */
export function writerToken(token: string, server: string): string {
  return token.slice(0, VERSION_AT) + VERSION + token.slice(VERSION_AT + 1, -SERVER_DIGITS) +
    serverDigits(server);
}

/** Returns whether a token was created by {@linkcode writerToken}. */
export function isProcessToken(token: string): boolean {
  return token[VERSION_AT] === VERSION;
}

/** Returns whether the name of a segment tells the server that its records are for. */
export function namesServer(stem: string): boolean {
  return isProcessToken(parseStem(stem)?.writer ?? "");
}

/**
 * Returns whether the end of a call may be in a segment before its start: other writers of the
 * format append from several threads.
 */
export function mayReorder(stem: string): boolean {
  return !isProcessToken(parseStem(stem)?.writer ?? "");
}

/** Returns whether a segment of this writer may be for `server`, judging by its name only. */
export function mayTarget(server: string, writer: string): boolean {
  return writer.endsWith(serverDigits(server));
}

/** The last server asked about, and its digits: nearly every question repeats it. */
let lastServer = { server: "", digits: "" };

/** Returns the hex digits that identify a server in names. */
export function serverDigits(server: string): string {
  if (lastServer.server !== server || lastServer.digits === "") {
    lastServer = { server, digits: digitsOf(server) };
  }
  return lastServer.digits;
}

function digitsOf(server: string): string {
  const bytes = sha256(new TextEncoder().encode(server)).subarray(0, SERVER_DIGITS / 2);
  return toHex(bytes);
}

/**
 * Returns the stem of a segment created at `ns` (epoch nanoseconds) by the writer with this token.
 */
export function formatStem(ns: bigint, writer: string): SegmentStem {
  const time = ns.toString().padStart(20, "0");
  return { stem: `${time}_${writer}`, time, writer };
}

/** Parses a stem; returns `null` if `text` is not one. */
export function parseStem(text: string): SegmentStem | null {
  const match = STEM.exec(text);
  return match ? { stem: text, time: match[1], writer: match[2] } : null;
}

/** Writers create segments at whole microseconds. */
const CLOSING_NS = 999n;
const CLOSING = /^\d{17}999_/;

/**
 * Returns the stem of the segment that ends the calls of a dead writer whose last stem is `last`.
 */
export function closingStem({ time, writer }: SegmentStem): string {
  return formatStem(BigInt(time) + CLOSING_NS, writer).stem;
}

/** Returns whether `stem` is a closing segment, written by another process for a dead writer. */
export function isClosingStem(stem: string): boolean {
  return CLOSING.test(stem) && isProcessToken(stem.slice(-32));
}

/** The paths of a segment and its sidecars. */
export interface SegmentPaths {
  /** The records. */
  readonly data: string;
  /** The writer's PID in decimal; exists until the writer closes the segment. */
  readonly lock: string;
  /** The writer and its server, JSON; created only by version 0.1. */
  readonly owner: string;
  /** The acknowledged byte offset in decimal. */
  readonly checkpoint: string;
  /** Delivered lines after the checkpoint; see `delivered_lines.ts`. */
  readonly delivered: string;
  /** Dead letters: undelivered records with their reasons, JSONL. */
  readonly deadLetters: string;
  /** Raw bytes of corrupt records that dead letters refer to. */
  readonly quarantine: string;
  /** The prefix of claim files; created only by version 0.1. */
  readonly claim: string;
  /** Exists if another process presumed the writer dead; see `fence.ts`. */
  readonly fence: string;
  /** The calls that are open after the segment; see `open_calls_file.ts`. */
  readonly open: string;
  /** Spans in their initial state, as records that are not sent. */
  readonly started: string;
  /** A closing segment before it takes effect, and after delivery; see `close_interrupted.ts`. */
  readonly closing: string;
  readonly closed: string;
}

/**
 * Returns the paths of the segment `stem` in `directory`. Each is formed when it is read: a
 * directory may hold a hundred thousand segments, and most paths are never used.
 */
export function segmentPaths(directory: string, stem: string): SegmentPaths {
  if (lastSegments.directory !== directory) {
    lastSegments = { directory, start: join(directory, "_").slice(0, -1) };
  }
  return new LazyPaths(lastSegments.start + stem);
}

/** The directory of the last call, and the path prefix of its files: most calls repeat it. */
let lastSegments = { directory: "", start: "" };

class LazyPaths implements SegmentPaths {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  get data(): string {
    return this.#base + SEGMENT_SUFFIX;
  }

  get lock(): string {
    return `${this.#base}.lock`;
  }

  get owner(): string {
    return `${this.#base}.owner`;
  }

  get checkpoint(): string {
    return `${this.#base}.checkpoint`;
  }

  get delivered(): string {
    return `${this.#base}.delivered`;
  }

  get deadLetters(): string {
    return `${this.#base}.deadletter`;
  }

  get quarantine(): string {
    return `${this.#base}.quarantine`;
  }

  get claim(): string {
    return `${this.#base}.claim.`;
  }

  get fence(): string {
    return this.#base + FENCE_SUFFIX;
  }

  get open(): string {
    return this.#base + OPEN_SUFFIX;
  }

  get started(): string {
    return this.#base + STARTED_SUFFIX;
  }

  get closing(): string {
    return this.#base + CLOSING_SUFFIX;
  }

  get closed(): string {
    return this.#base + CLOSED_SUFFIX;
  }
}

/** Directory of the recovery leases, inside a project's directory. */
export const RECOVERY_DIRECTORY = ".recovery";

/** The lease directory of the last call, and its path prefix: most calls repeat it. */
let lastLeases = { directory: "", start: "" };

function leaseAt(directory: string, name: string): string {
  if (lastLeases.directory !== directory) {
    lastLeases = { directory, start: join(directory, RECOVERY_DIRECTORY, "_").slice(0, -1) };
  }
  return lastLeases.start + name;
}

/**
 * Returns the path prefix of the leases for recovering segments of processes that send to `server`.
 */
export function leasePrefix(directory: string, server: string): string {
  return leaseAt(directory, `${serverDigits(server)}.`);
}

/**
 * Returns the path prefix of the leases for recovering segments of other writers. Their names do
 * not identify a server, so senders for different servers may drain them, and need a common lease.
 */
export function sharedLeasePrefix(directory: string): string {
  return leaseAt(directory, "shared.");
}

/** Returns the path prefix of the leases for recovering the segments of a writer. */
export function recoveryLease(directory: string, writer: string): string {
  if (!isProcessToken(writer)) return sharedLeasePrefix(directory);
  return leaseAt(directory, `${writer.slice(-SERVER_DIGITS)}.`);
}
