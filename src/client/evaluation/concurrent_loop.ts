/**
 * A loop that processes items concurrently, up to a limit.
 *
 * @module
 */

/**
 * Runs `work` for every item, at most `limit` at a time, and waits for all of them. After the first
 * failure, no further item is started.
 *
 * @throws The first error of `work` or `items`.
 */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  let running = 0;
  let wake = (): void => {};
  const oneDone = () => new Promise<void>((resolve) => wake = resolve);
  const start = (item: T, index: number): void => {
    running++;
    work(item, index).catch((error) => failures.push(error)).finally(() => {
      running--;
      wake();
    });
  };
  try {
    let index = 0;
    for await (const item of items) {
      if (running >= limit) await oneDone();
      if (failures.length > 0) break;
      start(item, index++);
    }
  } finally {
    while (running > 0) await oneDone();
  }
  if (failures.length > 0) throw failures[0];
}
