/**
 * Rows that are saved as a table.
 *
 * @module
 */

import { clientFor } from "../global_client.ts";
import { markClass } from "./kind.ts";
import { TableRef, TableRowRef } from "./object_ref.ts";
import { forgetSavedRef, savedRef, setSavedRef } from "./saved_refs.ts";

/**
 * A row of a table: any object.
 *
 * @example
 * ```ts
 * import type { TableRow } from "@weave-wal/client";
 *
 * const row: TableRow = { text: "a" };
 * if (row.text !== "a") throw new Error();
 * ```
 */
export type TableRow = Record<string, unknown>;

/**
 * A client that reads tables.
 *
 * @example
 * ```ts
 * import type { TableReader } from "@weave-wal/client";
 *
 * const reader: TableReader = { tableRows: async () => [{ digest: "d", val: { text: "a" } }] };
 * if ((await reader.tableRows("team/project", "d")).length !== 1) throw new Error();
 * ```
 */
export interface TableReader {
  /**
   * Reads the rows of a table, with their digests.
   *
   * @param projectId `entity/project`.
   * @param digest Digest of the table.
   */
  tableRows(projectId: string, digest: string): Promise<{ digest: string; val: unknown }[]>;
}

/**
 * A table: rows in memory, or the rows of a ref after {@linkcode Table.load}.
 *
 * @example
 * ```ts
 * import { Table } from "@weave-wal/client";
 *
 * const table = new Table([{ text: "a" }, { text: "b" }]);
 * if (table.length !== 2) throw new Error(String(table.length));
 * ```
 */
export class Table<R extends object = TableRow> {
  #rows: R[];

  /**
   * Creates a table from rows, or from a table on the server.
   *
   * @param rows The rows, or the ref of a table on the server.
   */
  constructor(rows: R[] | string | TableRef) {
    if (Array.isArray(rows)) {
      this.#rows = rows;
      return;
    }
    this.#rows = [];
    setSavedRef(this, typeof rows === "string" ? TableRef.parseUri(rows) : rows);
  }

  /** Ref of the table, once it is saved. */
  get __savedRef(): TableRef | undefined {
    return savedRef(this) as TableRef | undefined;
  }

  /** If set to `undefined`, the next publish saves the table again. */
  set __savedRef(ref: TableRef | undefined) {
    if (ref) setSavedRef(this, ref);
    else forgetSavedRef(this);
  }

  /**
   * Reads the rows from the server, if the table was created from a ref and is not loaded yet.
   *
   * @param client The client to read with; default: the client of the table's project.
   * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`, `ERR_REQUEST_FAILED` if the server
   * does not have the table.
   */
  async load(client?: TableReader): Promise<void> {
    const ref = this.__savedRef;
    if (this.#rows.length > 0 || !ref) return;
    const reader = client ?? clientFor(ref.projectId);
    const rows = await reader.tableRows(ref.projectId, ref.digest);
    this.#rows = rows.map(({ digest, val }) => {
      const row = val as R;
      setSavedRef(row, new TableRowRef(ref.projectId, ref.digest, digest));
      return row;
    });
  }

  /** All rows; empty for a table created from a ref until it is loaded. */
  get rows(): R[] {
    return this.#rows;
  }

  /** Number of rows. */
  get length(): number {
    return this.#rows.length;
  }

  /** Iterates over the rows. */
  async *[Symbol.asyncIterator](): AsyncIterator<R> {
    yield* this.#rows;
  }

  /**
   * Returns one row.
   *
   * @param index Index of the row, from 0.
   */
  row(index: number): R {
    return this.#rows[index];
  }
}

markClass(Table, "Table");
