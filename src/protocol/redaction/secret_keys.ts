/**
 * Names of properties whose values are secrets.
 *
 * @module
 */

/** Names that indicate a secret, on their own or at the end of a longer name. */
export const SECRET_KEYS: readonly string[] = [
  "api_key",
  "api_token",
  "auth_headers",
  "auth_token",
  "access_key",
  "access_token",
  "authorization",
  "bearer_token",
  "client_secret",
  "connection_string",
  "cookie",
  "credential",
  "csrf_token",
  "id_token",
  "passphrase",
  "passwd",
  "password",
  "private_key",
  "refresh_token",
  "secret",
  "secret_key",
  "session_token",
  "xsrf_token",
];

/** Maximum number of cached names; a program's own data has few. */
const MAX_KNOWN = 10_000;
/** Maximum length of a name that is inspected as a whole. */
const MAX_NAME_CHARS = 200;

/** Recognizes names of secrets: `OPENAI_API_KEY`, `x-api-key` and `apiKey` match `api_key`. */
export class SecretKeys {
  readonly #endings: readonly string[];
  readonly #known = new Map<string, boolean>();

  /** @param names Names in any spelling. A name of one character would match nearly everything. */
  constructor(names: readonly string[]) {
    this.#endings = [...new Set(names.map(normalized))].filter((name) => name !== "");
  }

  /** Returns whether a name is that of a secret. Fast for repeated names. */
  has(name: string): boolean {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const key = normalized(name.slice(-MAX_NAME_CHARS));
    const found = this.#endings.some((ending) => key.endsWith(ending));
    if (this.#known.size < MAX_KNOWN && name.length <= MAX_NAME_CHARS) this.#known.set(name, found);
    return found;
  }
}

/** Normalizes a name: removes separators, case and a plural `s`. */
function normalized(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "").replace(/s$/, "");
}
