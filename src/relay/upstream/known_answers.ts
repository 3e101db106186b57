/**
 * The last responses of the server to the questions that SDKs ask when they start: a program can then
 * start while the server is away.
 *
 * @module
 */

import { join } from "@std/path";
import { fileDigest } from "../../protocol/digest/digest.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Responses that are remembered at most. */
const MAX_ANSWERS = 200;
/** Characters of a response that is remembered at most. */
const MAX_CHARS = 64 * 1024;

/** A response that can be given again. */
export interface KnownAnswer {
  readonly type: string;
  readonly body: string;
}

/** Questions about the server and about the owner of the key, whose answers rarely change. */
const STARTUP = /^\/(?:health|server_info|service\/projects_info|graphql)$/;

/**
 * The name under which the answer to a request is remembered; `null` if it is not.
 *
 * @param path Path of the request, without a prefix.
 */
export function questionOf(method: string, path: string, body: Uint8Array): string | null {
  if (!STARTUP.test(path)) return null;
  // What changes something is never answered from memory.
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

/** The last answers of one server, kept beside the logs. */
export class KnownAnswers {
  readonly #runtime: Runtime;
  readonly #directory: string;
  readonly #server: string;
  readonly #answers: Map<string, KnownAnswer>;

  /** @param directory Directory of all logs. */
  constructor(runtime: Runtime, directory: string, server: string) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#server = server;
    this.#answers = this.#read();
  }

  /** The last answer to a question. */
  get(question: string): KnownAnswer | undefined {
    return this.#answers.get(question);
  }

  /** Remembers an answer; where it cannot be written, for as long as this process runs. */
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
    // No entity's name starts with a dot.
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
      // Nothing is known yet.
    }
    return new Map();
  }
}
