/**
 * Compares and writes a fixed text, eight bytes at a time. This happens for every record of a log,
 * and takes a third of the time of a loop over the bytes, and less than a call of
 * `Uint8Array.prototype.set`.
 *
 * @module
 */

let lastBytes: Uint8Array | undefined;
let lastView: DataView = new DataView(new ArrayBuffer(0));

/**
 * Returns a view of the same memory. The last view is cached, because the same buffer is used
 * often.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== lastBytes) {
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    lastBytes = bytes;
  }
  return lastView;
}

/** A text of at least four bytes in UTF-8, without NULs. */
export class BytePattern {
  /** Length in bytes. */
  readonly length: number;
  /**
   * Groups of eight bytes as numbers, which are only compared: at 0, 8, 16, …, and the last eight
   * bytes; empty if the text is shorter. No group of UTF-8 bytes is a NaN, so comparing works.
   */
  readonly #eights: Float64Array;
  /** The first and the last four bytes, if the text is shorter than eight. */
  readonly #first: number;
  readonly #last: number;

  /** Creates the pattern for `text`. */
  constructor(text: string) {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length < 4) throw new RangeError(`Cannot compare words with a short text: ${text}`);
    const view = viewOf(bytes);
    const eights: number[] = [];
    for (let at = 0; at + 8 < bytes.length; at += 8) eights.push(view.getFloat64(at, true));
    if (bytes.length >= 8) eights.push(view.getFloat64(bytes.length - 8, true));
    this.length = bytes.length;
    this.#eights = new Float64Array(eights);
    this.#first = view.getInt32(0, true);
    this.#last = view.getInt32(bytes.length - 4, true);
  }

  /** Returns whether the text occurs in `bytes` at `at`. */
  standsAt(bytes: Uint8Array, at: number): boolean {
    return this.isIn(viewOf(bytes), at);
  }

  /** Returns whether the text occurs in `view` at `at`. */
  isIn(view: DataView, at: number): boolean {
    const { length } = this;
    if (at < 0 || at + length > view.byteLength) return false;
    const eights = this.#eights;
    const last = eights.length - 1;
    if (last < 0) {
      return view.getInt32(at, true) === this.#first &&
        view.getInt32(at + length - 4, true) === this.#last;
    }
    if (view.getFloat64(at + length - 8, true) !== eights[last]) return false;
    for (let i = 0; i < last; i++) {
      if (view.getFloat64(at + 8 * i, true) !== eights[i]) return false;
    }
    return true;
  }

  /** Writes the text into `view` at `at`; the caller ensures that it fits. */
  writeTo(view: DataView, at: number): void {
    const eights = this.#eights;
    const last = eights.length - 1;
    if (last < 0) {
      view.setInt32(at, this.#first, true);
      view.setInt32(at + this.length - 4, this.#last, true);
      return;
    }
    for (let i = 0; i < last; i++) view.setFloat64(at + 8 * i, eights[i], true);
    view.setFloat64(at + this.length - 8, eights[last], true);
  }
}
