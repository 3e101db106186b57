/**
 * Streams for tests of what ops record of them.
 *
 * @module
 */

import { op } from "../../../src/client/op/op.ts";

/** A web stream of these chunks. */
export function webStream(...chunks: unknown[]): ReadableStream<unknown> {
  return new ReadableStream<unknown>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** Reads a stream to its end. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const chunk of stream) all.push(chunk);
  return all;
}

/** An op that returns its argument. */
export const pass: <T>(stream: T) => T = op(<T>(stream: T): T => stream, { name: "pass" });
