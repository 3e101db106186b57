/**
 * The order of a Python process's segments.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { isOfPython } from "../processes/python_writer.ts";
import { listDirectory } from "./directory_listing.ts";

/**
 * Resolves with whether a Python process's log may continue after segments, oldest first: it starts
 * a new segment every 64 MiB, and the names do not tell which process wrote them. Rejects with the
 * file system error.
 *
 * @param without Stems of other segments that do not count.
 */
export async function continuesAfter(
  runtime: Pick<Runtime, "files" | "clock">,
  directory: string,
  stems: readonly string[],
  without: ReadonlySet<string>,
): Promise<boolean> {
  const { segments } = await listDirectory(runtime, directory);
  const known = new Set([...stems, ...without]);
  return segments.some((segment) =>
    segment.stem > stems[0] && isOfPython(segment) && !known.has(segment.stem)
  );
}
