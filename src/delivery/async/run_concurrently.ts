/**
 * Runs tasks with limited concurrency.
 * @module
 */

/**
 * Runs `tasks`, at most `limit` at once, and returns their results in the order of the tasks. After
 * a failure no further task is started, and the first error is thrown when the running tasks have
 * ended.
 */
export async function runConcurrently<T>(
  tasks: readonly (() => Promise<T>)[],
  limit: number,
): Promise<T[]> {
  const results: T[] = new Array(tasks.length);
  const errors: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < tasks.length && errors.length === 0) {
      const index = next++;
      try {
        results[index] = await tasks[index]();
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, tasks.length) }, worker));
  if (errors.length > 0) throw errors[0];
  return results;
}
