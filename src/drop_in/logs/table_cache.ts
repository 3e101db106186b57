/**
 * Tables that this process made, as far as the official SDK asks for them again.
 *
 * @module
 */

/** Tables that are remembered at most. */
const MAX_TABLES = 1_000;
/** Rows of all of them together, at most. */
const MAX_ROWS = 1_000_000;

/** A row as `/table/query` tells it. */
export interface TableRow {
  readonly digest: string;
  readonly val: unknown;
}

interface KnownTable {
  readonly digests: readonly string[];
  /** The rows, for as many questions as the SDK still has: one after each table that it makes. */
  rows: readonly unknown[];
  questions: number;
}

/**
 * Rows and row digests of tables.
 *
 * The SDK reads every table right after it made it, for the digests of the rows that calls then
 * refer to. Only that first question is answered from here; its answer would else be a wait for the
 * network in the middle of an evaluation.
 */
export class TableCache {
  readonly #tables = new Map<string, KnownTable>();
  #rows = 0;

  /** Remembers a table that was made. */
  add(digest: string, digests: readonly string[], rows: readonly unknown[]): void {
    const questions = (this.#tables.get(digest)?.questions ?? 0) + 1;
    this.#forget(digest);
    this.#tables.set(digest, { digests, rows, questions });
    this.#rows += digests.length;
    while (this.#tables.size > MAX_TABLES || (this.#rows > MAX_ROWS && this.#tables.size > 1)) {
      this.#forget(this.#tables.keys().next().value!);
    }
  }

  /** The digests of a table's rows, if they are known. */
  rowDigests(digest: string): readonly string[] | undefined {
    return this.#tables.get(digest)?.digests;
  }

  /** The answer to the SDK's own question after it made a table; `undefined` to any other. */
  answer(digest: string): TableRow[] | undefined {
    const table = this.#tables.get(digest);
    if (!table || table.questions === 0) return undefined;
    const { digests, rows } = table;
    if (--table.questions === 0) table.rows = [];
    return digests.map((rowDigest, i) => ({ digest: rowDigest, val: rows[i] }));
  }

  #forget(digest: string): void {
    const table = this.#tables.get(digest);
    if (!table) return;
    this.#tables.delete(digest);
    this.#rows -= table.digests.length;
  }
}
