/**
 * Checks whether web streams are locked, without running code of the program.
 *
 * @module
 */

const readableLocked = typeof ReadableStream === "function"
  ? Object.getOwnPropertyDescriptor(ReadableStream.prototype, "locked")?.get
  : undefined;
const writableLocked = typeof WritableStream === "function"
  ? Object.getOwnPropertyDescriptor(WritableStream.prototype, "locked")?.get
  : undefined;

/** Returns whether a stream is being read. */
export function isLocked(stream: object): boolean {
  // An object that only inherits from the class has no chunks.
  return read(readableLocked, stream) ?? true;
}

/** Returns whether a value is a stream that can be written to. */
export function isUnlockedWritable(value: unknown): boolean {
  return read(writableLocked, value) === false;
}

/** Returns the result of a built-in getter; `undefined` for instances of other classes. */
function read(getter: (() => unknown) | undefined, value: unknown): boolean | undefined {
  try {
    return getter && Reflect.apply(getter, value, []) as boolean;
  } catch {
    return undefined;
  }
}
