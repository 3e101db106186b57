/**
 * Tables that were made through this relay, as far as they are asked for before the server has them.
 *
 * @module
 */

/** Digests of rows that are remembered at most, of all tables together. */
const MAX_DIGESTS = 200_000;
/** Characters of rows that are remembered at most, of all tables together. */
const MAX_CHARS = 16 * 1024 * 1024;

interface KnownTable {
  readonly rowDigests: readonly string[];
  /** JSON texts of the rows; `null` once they were forgotten. */
  rows: readonly string[] | null;
  readonly chars: number;
}

/** The last tables of a project: those that were made first are forgotten first. */
export class TableMemory {
  readonly #tables = new Map<string, KnownTable>();
  #digests = 0;
  #chars = 0;

  /**
   * Remembers a table.
   *
   * @param rows JSON texts of its rows, where they are known.
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

  /** The digests of a table's rows, if they are known. */
  rowDigests(digest: string): readonly string[] | undefined {
    return this.#tables.get(digest)?.rowDigests;
  }

  /** JSON text of the response to the question for all rows of a table, if they are known. */
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
