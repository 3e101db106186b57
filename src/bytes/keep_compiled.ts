/**
 * Preserves V8's compiled code for the objects of a class.
 *
 * When a garbage collection finds no instance of a class, V8 discards its type information and all
 * code compiled with it. Code for objects that exist only while a log is drained would then be slow
 * at the beginning of each drain.
 *
 * @module
 */

const kept: unknown[] = [];

/** Keeps an instance, as a representative of its class, for the lifetime of the program. */
export function keepCompiled(instance: unknown): void {
  kept.push(instance);
}
