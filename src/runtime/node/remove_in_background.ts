/**
 * Removes files on the host's threads: giving the space of a large file back takes milliseconds.
 *
 * @module
 */

/** Files that are removed at the same time; more would take all threads that the program shares. */
const MAX_CONCURRENT = 2;

/** Removes files with the host's own `unlink`; see `FileSystem.removeInBackground`. */
export async function removeInBackground(
  unlink: (path: string) => Promise<void>,
  paths: readonly string[],
): Promise<void> {
  const errors: unknown[] = [];
  const waiting = paths.values();
  const worker = async () => {
    for (const path of waiting) {
      try {
        await unlink(path);
      } catch (error) {
        if ((error as { code?: unknown }).code !== "ENOENT") errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT }, worker));
  if (errors.length > 0) throw errors[0];
}
