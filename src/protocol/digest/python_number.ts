/**
 * Reads and writes numbers of a JSON text as Python does, where JavaScript differs: `1.0` stays a
 * float, and integers keep all their digits.
 *
 * @module
 */

/** A number for which no JavaScript number has the same text in Python. */
export class PythonNumber {
  /** Text that `json.dumps` writes for it. */
  readonly text: string;

  /** @param text Text that `json.dumps` writes for it. */
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Returns the number that Python's `json.loads` reads from `digits`, a number in a JSON text.
 *
 * @example
 * ```ts
 * const read = ["1", "1.0", "1e5"].map((digits) => {
 *   const number = pythonNumber(digits);
 *   return typeof number === "number" ? String(number) : number.text;
 * });
 * if (read.join() !== "1,1.0,100000.0") throw new Error(read.join());
 * ```
 */
export function pythonNumber(digits: string): number | PythonNumber {
  const value = Number(digits);
  if (String(value) === digits) return value;
  if (!/[.eE]/.test(digits)) return new PythonNumber(digits === "-0" ? "0" : digits);
  return new PythonNumber(floatText(value));
}

/** Returns Python's `repr` of a float. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e16) {
    const [mantissa, exponent] = value.toExponential().split("e");
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
