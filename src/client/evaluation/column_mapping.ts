/**
 * Renaming the columns of a dataset for models and scorers.
 *
 * @module
 */

/**
 * Column names that models and scorers expect, each with the dataset's name for it.
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

/** The columns of `row` that `mapping` lists, under their new names. Others are left out. */
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
