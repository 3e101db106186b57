/**
 * The events of a run, in order, as a hash: runs that differ have different hashes.
 *
 * @module
 */

/** Records events. */
export class Trace {
  readonly #keep: boolean;
  #hash = 0x811c9dc5;
  #count = 0;
  /** Events of the run, if recorded. */
  readonly lines: string[] = [];

  /** @param keep Keeps the lines as well as their hash. */
  constructor(keep: boolean) {
    this.#keep = keep;
  }

  /** Records an event. */
  add(line: string): void {
    this.#count++;
    let hash = this.#hash;
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    this.#hash = hash;
    if (this.#keep) this.lines.push(line);
  }

  /** The hash, in hex, with the number of events. */
  get hash(): string {
    return `${(this.#hash >>> 0).toString(16).padStart(8, "0")}-${this.#count}`;
  }
}
