/**
 * Cache of server facts that do not change, kept beside the logs: internal IDs of projects
 * and default entities. A program can then start, and digest refs, with no server in reach.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";

/** Subjects of facts. */
export type MetadataKind = "projects" | "entities";

type Facts = Record<string, Partial<Record<MetadataKind, Record<string, string>>>>;

/** Facts of one server. */
export class MetadataCache {
  readonly #runtime: Runtime;
  readonly #server: string;
  readonly #directory: string | null;
  #facts: Facts;

  /** @param directory Directory of the cache; `null` keeps it only in memory. */
  constructor(runtime: Runtime, server: string, directory: string | null) {
    this.#runtime = runtime;
    this.#server = server;
    this.#directory = directory;
    this.#facts = this.#read();
  }

  /** A fact, if it is known. */
  get(kind: MetadataKind, key: string): string | undefined {
    const known = this.#facts[this.#server]?.[kind];
    return known && Object.hasOwn(known, key) ? known[key] : undefined;
  }

  /** Keeps a fact. Where it cannot be written it is kept in memory. */
  set(kind: MetadataKind, key: string, value: string): void {
    if (this.get(kind, key) === value) return;
    // Others may have learnt something meanwhile.
    const facts = { ...this.#facts, ...this.#read() };
    const server = { ...facts[this.#server] };
    server[kind] = { ...server[kind], [key]: value };
    this.#facts = { ...facts, [this.#server]: server };
    if (this.#directory === null) return;
    try {
      this.#runtime.files.makeDirectory(this.#directory);
      this.#runtime.files.replace(this.#path(), JSON.stringify(this.#facts));
    } catch {
      // Asked again next time.
    }
  }

  #path(): string {
    // No entity's name starts with a dot.
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
