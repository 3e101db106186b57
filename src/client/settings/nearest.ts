/**
 * Finds the closest match for a misspelled name.
 *
 * @module
 */

/**
 * Returns the known name closest to `name`, ignoring case.
 *
 * @param limit Maximum edit distance.
 */
export function nearest(
  name: string,
  known: readonly string[],
  limit: number,
): string | undefined {
  const wanted = name.toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const distance = editDistance(candidate.toLowerCase(), wanted);
    if (distance <= limit && distance < (best?.distance ?? Infinity)) {
      best = { name: candidate, distance };
    }
  }
  return best?.name;
}

/** Returns the Levenshtein distance: the number of characters to insert, remove or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + change);
    }
    row = next;
  }
  return row[b.length];
}
