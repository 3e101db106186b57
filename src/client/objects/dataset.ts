/**
 * Datasets: named, versioned tables.
 *
 * @module
 */

import { requireGlobalClient } from "../global_client.ts";
import { markClass } from "./kind.ts";
import { DatasetRowRef, ObjectRef, type TableRef, TableRowRef } from "./object_ref.ts";
import { savedRef, savingRef, setSavedRef } from "./saved_refs.ts";
import { Table } from "./table.ts";
import { WeaveObject, type WeaveObjectParameters } from "./weave_object.ts";

/**
 * Options for {@linkcode Dataset}.
 *
 * @example
 * ```ts
 * import { Dataset, type DatasetParameters } from "@weave-wal/client";
 *
 * const parameters: DatasetParameters<{ text: string }> = { name: "words", rows: [{ text: "a" }] };
 * if (new Dataset(parameters).length !== 1) throw new Error();
 * ```
 */
export interface DatasetParameters<R extends object> extends WeaveObjectParameters {
  /** The rows, or the ref of a table on the server. */
  rows: R[] | string | TableRef;
}

/**
 * A row of a {@linkcode Dataset}.
 *
 * @example
 * ```ts
 * import { Dataset, type SavedRow } from "@weave-wal/client";
 *
 * const dataset = new Dataset({ name: "words", rows: [{ text: "a" }] });
 * const row: SavedRow<{ text: string }> = dataset.getRow(0);
 * if (row.text !== "a") throw new Error();
 * ```
 */
export type SavedRow<R extends object> = R & {
  /** Ref of the row once the dataset is saved; a promise while it is being saved. */
  readonly __savedRef?: DatasetRowRef | Promise<DatasetRowRef | undefined> | undefined;
};

/**
 * A named table. Saving it saves the table, its rows, and an object that refers to the table.
 *
 * @example
 * ```ts
 * import { Dataset } from "@weave-wal/client";
 *
 * const dataset = new Dataset({ name: "greetings", rows: [{ text: "hello" }, { text: "bye" }] });
 * if (dataset.getRow(1).text !== "bye") throw new Error("Rows are what was given");
 * ```
 */
export class Dataset<R extends object = Record<string, unknown>> extends WeaveObject {
  /** The rows. */
  rows: Table<R>;

  /** Creates a dataset from rows in memory, or from the ref of a table. */
  constructor(parameters: DatasetParameters<R>) {
    super({ name: parameters.name, description: parameters.description });
    this.rows = new Table<R>(parameters.rows);
  }

  /**
   * Saves the dataset with the client of `init`.
   *
   * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
   */
  async save(): Promise<ObjectRef> {
    return await requireGlobalClient().publish(this) as ObjectRef;
  }

  /** Number of rows. */
  get length(): number {
    return this.rows.length;
  }

  /** Iterates over the rows, as returned by {@linkcode Dataset.getRow}. */
  async *[Symbol.asyncIterator](): AsyncIterator<SavedRow<R>> {
    for (let i = 0; i < this.length; i++) yield this.getRow(i);
  }

  /**
   * Returns a copy of one row. Once the dataset is saved, the row has a `__savedRef`, and calls
   * with the row as input record that ref.
   *
   * @param index Index of the row, from 0.
   */
  getRow(index: number): SavedRow<R> {
    const row = copyOf(this.rows.row(index));
    const ref = this.#rowRef(index);
    if (ref !== undefined) setSavedRef(row, ref);
    // Not enumerable, so that copies of the row and its JSON contain only the row.
    Object.defineProperty(row, "__savedRef", {
      configurable: true,
      get: () => this.#rowRef(index) ?? this.#rowRefToCome(index),
    });
    return row;
  }

  #rowRef(index: number): DatasetRowRef | undefined {
    const row = this.rows.row(index);
    const ref = savedRef(this);
    const rowRef = row && savedRef(row);
    return ref instanceof ObjectRef && rowRef instanceof TableRowRef
      ? new DatasetRowRef(ref.projectId, ref.objectId, ref.digest, rowRef.rowDigest)
      : undefined;
  }

  #rowRefToCome(index: number): Promise<DatasetRowRef | undefined> | undefined {
    return savingRef(this)?.then(() => this.#rowRef(index));
  }
}

/** Copies the enumerable properties of a row, as a spread does, but runs no getter. */
function copyOf<R extends object>(row: R): R {
  const copy = {} as R;
  for (const key of Reflect.ownKeys(row ?? {})) {
    const property = Reflect.getOwnPropertyDescriptor(row, key);
    if (!property?.enumerable) continue;
    const isWritable = "value" in property ? { writable: true } : {};
    Object.defineProperty(copy, key, { ...property, ...isWritable, configurable: true });
  }
  return copy;
}

markClass(Dataset, "Dataset");
