/**
 * Records whose content is derived from their ID, so that it can be checked in another
 * process.
 *
 * @module
 */

const project_id = "team/project";

/** Numbers in [0, 1) determined by `seed` (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A text of `length` characters derived from `id`, with characters of one to four bytes. */
export function filler(id: string, length: number): string {
  const unit = `${id} é漢😀\n`;
  return unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
}

/** A start whose inputs contain how they were made. */
export function startRequest(id: string, size: number): string {
  return JSON.stringify({
    start: {
      project_id,
      id,
      trace_id: `trace-${id}`,
      started_at: "2026-01-01T00:00:00.000000Z",
      op_name: "answer",
      attributes: {},
      inputs: { size, text: filler(id, size) },
    },
  });
}

/** The end of that call. */
export function endRequest(id: string, size: number): string {
  return JSON.stringify({
    end: {
      project_id,
      id,
      trace_id: `trace-${id}`,
      started_at: "2026-01-01T00:00:00.000000Z",
      ended_at: "2026-01-01T00:00:01.000000Z",
      output: { size, text: filler(id, size) },
      summary: {},
    },
  });
}

/** Whether a value made by `startRequest` or `endRequest` is unchanged. */
export function isWhole(id: string, value: unknown): boolean {
  const { size, text } = value as { size: number; text: string };
  return text === filler(id, size);
}
