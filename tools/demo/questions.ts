/**
 * The questions for the traced program, and the schedule of the outage and the kill.
 *
 * @module
 */

/** Questions that the project's documentation answers. */
export const QUESTIONS: readonly string[] = [
  "What if the disk is full (ENOSPC) or has an I/O error?",
  "When does a record count as delivered?",
  "Is the server probed while it is unreachable?",
  "Can two processes recover one directory?",
  "Can a record be sent more than once?",
  "How is a kill during a write handled?",
  "How is the poison record of a batch isolated?",
  "What happens to a truncated record?",
  "Does flush() report what is pending?",
  "What happens to a value that JSON cannot represent?",
  "Does a reused PID make a dead process look alive?",
  "What happens if the log is deleted under a running program?",
];

/** A truncated document that cannot be parsed. */
export const BROKEN_GLOSSARY = `{
  "segment": "One file of the log",
  "checkpoint": "How far the server has taken`;

/** When the outage and the kill happen, in questions and calls. */
export interface Schedule {
  /** Questions answered before the outage. */
  readonly beforeOutage: number;
  /** Questions answered during the outage. */
  readonly outage: number;
  /** Calls that finish during the next question before the kill. */
  readonly killAfterCalls: number;
}

/** The schedule of a seed. */
export function scheduleFor(seed: number): Schedule {
  const random = mulberry32(seed);
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  return { beforeOutage: between(2, 4), outage: between(2, 4), killAfterCalls: between(1, 6) };
}

/** Random numbers in [0, 1), by Tommy Ettinger. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
