/**
 * Caches tables created through this relay, to answer queries before the server has received them.
 *
 * @module
 */

/** Maximum number of cached row digests, in all tables. */
const MAX_DIGESTS = 200_000;
/** Maximum number of cached characters of rows, in all tables. */
const MAX_CHARS = 16 * 1024 * 1024;

interface KnownTable {
  readonly rowDigests: readonly string[];
  /** JSON text of the rows; `null` once they are evicted. */
  rows: readonly string[] | null;
  readonly chars: number;
}

/** The most recent tables of a project; the oldest ones are evicted first. */
export class TableMemory {
  readonly #tables = new Map<string, KnownTable>();
  #digests = 0;
  #chars = 0;

  /**
   * Adds a table.
   *
   * @param rows JSON text of its rows, if known.
   */
  add(digest: string, rowDigests: readonly string[], rows: readonly string[] | null): void {
    this.#forget(digest);
    const chars = rows?.reduce((sum, { length }) => sum + length, 0) ?? 0;
    this.#tables.set(digest, { rowDigests, rows, chars });
    this.#digests += rowDigests.length;
    this.#chars += chars;
    for (const [name, table] of this.#tables) {
      if (this.#digests > MAX_DIGESTS) this.#forget(name);
      else if (this.#chars > MAX_CHARS) this.#forgetRows(table);
      else break;
    }
  }

  /** Returns the digests of a table's rows, if cached. */
  rowDigests(digest: string): readonly string[] | undefined {
    return this.#tables.get(digest)?.rowDigests;
  }

  /** Returns the JSON text of the response to a query for all rows of a table, if cached. */
  query(digest: string): string | undefined {
    const { rowDigests, rows } = this.#tables.get(digest) ?? {};
    if (!rows || !rowDigests) return undefined;
    const items = rows.map((row, i) => `{"digest":"${rowDigests[i]}","val":${row}}`);
    return `{"rows":[${items.join(",")}]}`;
  }

  #forget(digest: string): void {
    const table = this.#tables.get(digest);
    if (!table) return;
    this.#tables.delete(digest);
    this.#digests -= table.rowDigests.length;
    this.#forgetRows(table);
  }

  #forgetRows(table: KnownTable): void {
    if (table.rows !== null) this.#chars -= table.chars;
    table.rows = null;
  }
}
