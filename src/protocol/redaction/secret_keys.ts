/**
 * Names of properties whose values are secrets.
 *
 * @module
 */

/** Names that hold secrets wherever they occur, also at the end of longer names. */
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

/** Names that are remembered; the ones of a program's own data are few. */
const MAX_KNOWN = 10_000;
/** Characters of the longest name that is looked at as a whole. */
const MAX_NAME_CHARS = 200;

/** Tells names of secrets from others: `OPENAI_API_KEY`, `x-api-key` and `apiKey` are `api_key`. */
export class SecretKeys {
  readonly #endings: readonly string[];
  readonly #known = new Map<string, boolean>();

  /** @param names Names in any spelling; one of a single character would match nearly everything. */
  constructor(names: readonly string[]) {
    this.#endings = [...new Set(names.map(normalized))].filter((name) => name !== "");
  }

  /** Whether a name is that of a secret. Cheap for names that occur again. */
  has(name: string): boolean {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const key = normalized(name.slice(-MAX_NAME_CHARS));
    const found = this.#endings.some((ending) => key.endsWith(ending));
    if (this.#known.size < MAX_KNOWN && name.length <= MAX_NAME_CHARS) this.#known.set(name, found);
    return found;
  }
}

/** A name without separators, case and plural. */
function normalized(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "").replace(/s$/, "");
}
