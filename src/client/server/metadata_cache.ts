/**
 * Cache of immutable data from the server, stored beside the logs: internal IDs of projects and
 * default entities. With it, a program can start and digest refs while the server is unreachable.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";

/** Kinds of cached data. */
export type MetadataKind = "projects" | "entities";

type Facts = Record<string, Partial<Record<MetadataKind, Record<string, string>>>>;

/** The cached data of one server. */
export class MetadataCache {
  readonly #runtime: Runtime;
  readonly #server: string;
  readonly #directory: string | null;
  #facts: Facts;

  /** @param directory Directory of the cache; `null` keeps it in memory only. */
  constructor(runtime: Runtime, server: string, directory: string | null) {
    this.#runtime = runtime;
    this.#server = server;
    this.#directory = directory;
    this.#facts = this.#read();
  }

  /** Returns a cached value, if known. */
  get(kind: MetadataKind, key: string): string | undefined {
    const known = this.#facts[this.#server]?.[kind];
    return known && Object.hasOwn(known, key) ? known[key] : undefined;
  }

  /** Stores a value. If the write fails, it is kept in memory. */
  set(kind: MetadataKind, key: string, value: string): void {
    if (this.get(kind, key) === value) return;
    // Other processes may have added values meanwhile.
    const facts = { ...this.#facts, ...this.#read() };
    const server = { ...facts[this.#server] };
    server[kind] = { ...server[kind], [key]: value };
    this.#facts = { ...facts, [this.#server]: server };
    if (this.#directory === null) return;
    try {
      this.#runtime.files.makeDirectory(this.#directory);
      this.#runtime.files.replace(this.#path(), JSON.stringify(this.#facts));
    } catch {
      // Requested again next time.
    }
  }

  #path(): string {
    // No entity name starts with a dot.
    return join(this.#directory ?? "", ".known.json");
  }

  #read(): Facts {
    if (this.#directory === null) return {};
    try {
      const facts: unknown = JSON.parse(this.#runtime.files.readText(this.#path()));
      return typeof facts === "object" && facts !== null ? facts as Facts : {};
    } catch {
      return {};
    }
  }
}
