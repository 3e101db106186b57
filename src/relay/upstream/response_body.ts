/**
 * Bodies of forwarded responses, for callers that may read them slowly or not at all.
 *
 * @module
 */

/**
 * Returns a stream of the same bytes that is read only as fast as its reader asks, and ends with an
 * error if the reader does not ask for `idleMs`.
 *
 * @param onEnd Called once, when the stream has ended, also by an error or by its reader.
 */
export function guardedBody(
  body: ReadableStream<Uint8Array>,
  idleMs: number,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const end = (): void => {
    clearTimeout(timer);
    if (!isOver) onEnd();
    isOver = true;
  };
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    timer = setTimeout(() => {
      end();
      controller.error(new Error(`The response was not read for ${idleMs} ms`));
      reader.cancel().catch(() => {});
    }, idleMs);
  };
  return new ReadableStream<Uint8Array>({
    start: watch,
    async pull(controller) {
      clearTimeout(timer);
      try {
        const { done, value } = await reader.read();
        if (isOver) return;
        if (done) {
          end();
          controller.close();
        } else {
          controller.enqueue(value);
          watch(controller);
        }
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
