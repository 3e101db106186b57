/**
 * Caches tables that this process created, to answer the official SDK's queries for them.
 *
 * @module
 */

/** Maximum number of cached tables. */
const MAX_TABLES = 1_000;
/** Maximum number of rows in all of them. */
const MAX_ROWS = 1_000_000;

/** A row in the response of `/table/query`. */
export interface TableRow {
  readonly digest: string;
  readonly val: unknown;
}

interface KnownTable {
  readonly digests: readonly string[];
  /** The rows, and the number of queries expected from the SDK: one after each creation. */
  rows: readonly unknown[];
  questions: number;
}

/**
 * Rows and row digests of tables.
 *
 * The SDK reads every table right after creating it, for the row digests that calls then refer to.
 * Only that first query is answered from here; otherwise an evaluation would wait for the network.
 */
export class TableCache {
  readonly #tables = new Map<string, KnownTable>();
  #rows = 0;

  /** Adds a created table. */
  add(digest: string, digests: readonly string[], rows: readonly unknown[]): void {
    const questions = (this.#tables.get(digest)?.questions ?? 0) + 1;
    this.#forget(digest);
    this.#tables.set(digest, { digests, rows, questions });
    this.#rows += digests.length;
    while (this.#tables.size > MAX_TABLES || (this.#rows > MAX_ROWS && this.#tables.size > 1)) {
      this.#forget(this.#tables.keys().next().value!);
    }
  }

  /** Returns the digests of a table's rows, if cached. */
  rowDigests(digest: string): readonly string[] | undefined {
    return this.#tables.get(digest)?.digests;
  }

  /**
   * Returns the response to the SDK's own query after it created a table; `undefined` for any
   * other.
   */
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
