/**
 * Datasets: named, versioned tables.
 *
 * @module
 */

import { requireGlobalClient } from "../global_client.ts";
import { markClass } from "./kind.ts";
import { DatasetRowRef, ObjectRef, type TableRef, TableRowRef } from "./object_ref.ts";
import { savedRef, setSavedRef } from "./saved_refs.ts";
import { Table } from "./table.ts";
import { WeaveObject, type WeaveObjectParameters } from "./weave_object.ts";

/** What a {@linkcode Dataset} is made from. */
export interface DatasetParameters<R extends object> extends WeaveObjectParameters {
  /** The rows, or the ref of a table on the server. */
  rows: R[] | string | TableRef;
}

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

  /** A dataset of rows in memory, or behind the ref of a table. */
  constructor(parameters: DatasetParameters<R>) {
    super({ name: parameters.name, description: parameters.description });
    this.rows = new Table<R>(parameters.rows);
  }

  /**
   * Saves the dataset with the client that `init` made.
   *
   * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
   */
  async save(): Promise<ObjectRef> {
    return await requireGlobalClient().publish(this) as ObjectRef;
  }

  /** How many rows there are. */
  get length(): number {
    return this.rows.length;
  }

  /** The rows one by one, as {@linkcode Dataset.getRow} gives them. */
  async *[Symbol.asyncIterator](): AsyncIterator<R> {
    for (let i = 0; i < this.length; i++) yield this.getRow(i);
  }

  /** A copy of one row. Once the dataset is saved, calls that get it as input record its ref. */
  getRow(index: number): R {
    const saved = this.rows.row(index);
    const row = { ...saved };
    const ref = savedRef(this);
    const rowRef = saved && savedRef(saved);
    if (ref instanceof ObjectRef && rowRef instanceof TableRowRef) {
      setSavedRef(
        row,
        new DatasetRowRef(ref.projectId, ref.objectId, ref.digest, rowRef.rowDigest),
      );
    }
    return row;
  }
}

markClass(Dataset, "Dataset");
