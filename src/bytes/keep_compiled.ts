/**
 * Keeps the code that V8 has compiled for objects of a class.
 *
 * What V8 knows of the fields of a class's instances, and all code compiled with that knowledge, is
 * thrown away when a garbage collection finds no instance: code for objects that are made while a
 * log is drained, and is collected afterwards, would be slow again at the beginning of each drain.
 *
 * @module
 */

const kept: unknown[] = [];

/** Keeps this instance, as a representative of its class, as long as the program runs. */
export function keepCompiled(instance: unknown): void {
  kept.push(instance);
}
