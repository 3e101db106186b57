/**
 * The median of measurements.
 *
 * @module
 */

/** The median; for an even number of values, the lower of the two middle ones. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
}
