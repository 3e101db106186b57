/**
 * The questions for the traced program, and the schedule of the outage and the kill.
 *
 * @module
 */

/** Questions that the project's documentation answers. */
export const QUESTIONS: readonly string[] = [
  "What happens if the disk is full?",
  "When does the checkpoint move past a record?",
  "How often are requests retried if the server is unreachable?",
  "Which sender delivers the segments of a dead process?",
  "When is a record on stable storage?",
  "What is a dead letter?",
  "How is the poison record of a batch isolated?",
  "What happens to a truncated record?",
  "What does flush return?",
  "What happens to a value that JSON cannot represent?",
  "What is the maximum size of a batch?",
  "Where is the API key looked up?",
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
