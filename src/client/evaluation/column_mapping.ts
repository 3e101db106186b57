/**
 * Renames the columns of a dataset for models and scorers.
 *
 * @module
 */

/**
 * Maps the column names that models and scorers expect to the dataset's column names.
 *
 * @example
 * ```ts
 * import type { ColumnMapping } from "@weave-wal/client";
 *
 * const mapping: ColumnMapping<{ q: string }, { question: string }> = { question: "q" };
 * if (mapping.question !== "q") throw new Error();
 * ```
 */
export type ColumnMapping<R, E> = { [Column in keyof E]: keyof R };

/** Returns the columns of `row` that `mapping` lists, under their new names. Omits the others. */
export function mapColumns<R extends object, E extends object>(
  row: R,
  mapping: ColumnMapping<R, E>,
): E {
  const mapped: Record<string, unknown> = {};
  for (const [name, column] of Object.entries<keyof R>(mapping)) {
    if (column in row) mapped[name] = row[column];
  }
  return mapped as E;
}
