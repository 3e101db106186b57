/**
 * The events of a run, in order, as a number: two different runs have different numbers.
 *
 * @module
 */

/** Takes down what happens. */
export class Trace {
  readonly #keep: boolean;
  #hash = 0x811c9dc5;
  #count = 0;
  /** Events of the run, if they are recorded. */
  readonly lines: string[] = [];

  /** @param keep Whether to keep the lines and not only their hash. */
  constructor(keep: boolean) {
    this.#keep = keep;
  }

  /** Something happened. */
  add(line: string): void {
    this.#count++;
    let hash = this.#hash;
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    this.#hash = hash;
    if (this.#keep) this.lines.push(line);
  }

  /** The number, in hex, with the count of what happened. */
  get hash(): string {
    return `${(this.#hash >>> 0).toString(16).padStart(8, "0")}-${this.#count}`;
  }
}
