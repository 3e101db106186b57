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
    const distance = editDistance(candidate.toLowerCase(), wanted, limit);
    if (distance <= limit && distance < (best?.distance ?? Infinity)) {
      best = { name: candidate, distance };
    }
  }
  return best?.name;
}

/**
 * Returns the Levenshtein distance: the number of characters to insert, remove or replace; any
 * number above `limit` if it exceeds that.
 */
function editDistance(a: string, b: string, limit: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + change);
    }
    row = next;
    // No later row has a smaller minimum.
    if (Math.min(...row) > limit) return limit + 1;
  }
  return row[b.length];
}
