/**
 * Caches the server's responses to the requests that SDKs make when they start, so that a program
 * can start while the server is unreachable.
 *
 * @module
 */

import { join } from "@std/path";
import { fileDigest } from "../../protocol/digest/digest.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Maximum number of cached responses. */
const MAX_ANSWERS = 200;
/** Maximum characters of a cached response. */
const MAX_CHARS = 64 * 1024;

/** A response that can be repeated. */
export interface KnownAnswer {
  readonly type: string;
  readonly body: string;
}

/** Requests for data about the server and the owner of the key, which rarely changes. */
const STARTUP = /^\/(?:health|server_info|service\/projects_info|graphql)$/;

/**
 * Returns the cache key of a request; `null` if it is not cached.
 *
 * @param path Path of the request, without a prefix.
 */
export function questionOf(method: string, path: string, body: Uint8Array): string | null {
  if (!STARTUP.test(path)) return null;
  // Mutations are never answered from the cache.
  if (path === "/graphql" && /^\s*mutation\b/.test(queryIn(body))) return null;
  return `${method} ${path} ${fileDigest(body)}`;
}

function queryIn(body: Uint8Array): string {
  try {
    return String((JSON.parse(new TextDecoder().decode(body)) as { query?: unknown }).query);
  } catch {
    return "mutation";
  }
}

/** The last responses of one server, stored beside the logs. */
export class KnownAnswers {
  readonly #runtime: Runtime;
  readonly #directory: string;
  readonly #server: string;
  readonly #answers: Map<string, KnownAnswer>;

  /** @param directory Root directory of all logs. */
  constructor(runtime: Runtime, directory: string, server: string) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#server = server;
    this.#answers = this.#read();
  }

  /** Returns the last response to a request. */
  get(question: string): KnownAnswer | undefined {
    return this.#answers.get(question);
  }

  /** Caches a response; if the write fails, for the lifetime of this process. */
  set(question: string, answer: KnownAnswer): void {
    const known = this.#answers.get(question);
    if (answer.body.length > MAX_CHARS || (known && known.body === answer.body)) return;
    this.#answers.delete(question);
    this.#answers.set(question, answer);
    if (this.#answers.size > MAX_ANSWERS) {
      this.#answers.delete(this.#answers.keys().next().value!);
    }
    const { files } = this.#runtime;
    try {
      files.makeDirectory(this.#directory);
      const content = { server: this.#server, answers: Object.fromEntries(this.#answers) };
      files.replace(this.#path(), JSON.stringify(content));
    } catch {
      // It is written with the next one.
    }
  }

  #path(): string {
    // No entity name starts with a dot.
    return join(this.#directory, ".relay.json");
  }

  #read(): Map<string, KnownAnswer> {
    try {
      const text = this.#runtime.files.readText(this.#path(), {
        maxBytes: 4 * MAX_ANSWERS * MAX_CHARS,
      });
      const { server, answers } = JSON.parse(text) as { server: unknown; answers: object };
      if (server === this.#server) return new Map(Object.entries(answers));
    } catch {
      // The cache is empty.
    }
    return new Map();
  }
}
