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

/** Kind of a name: that of a secret, or the last word of one, such as the `key` of `API key`. */
type NameKind = "secret" | "last-word" | "other";

/** Recognizes names of secrets: `OPENAI_API_KEY`, `x-api-key` and `apiKey` match `api_key`. */
export class SecretKeys {
  readonly #endings: ReadonlySet<string>;
  /** Last words of names that have several words. */
  readonly #lastWords: ReadonlySet<string>;
  readonly #known = new Map<string, NameKind>();

  /** @param names Names in any spelling. A name of one character would match nearly everything. */
  constructor(names: readonly string[]) {
    this.#endings = new Set(names.map(normalized).filter((name) => name !== ""));
    this.#lastWords = new Set(
      names.map(wordsOf).filter((words) => words.length > 1).map((words) =>
        normalized(words.at(-1)!)
      ),
    );
  }

  /** Returns whether a name is that of a secret. Fast for repeated names. */
  has(name: string): boolean {
    return this.#kindOf(name) === "secret";
  }

  /** Returns whether a name of several words may end with this one. Fast for repeated words. */
  mayEndWith(word: string): boolean {
    return this.#kindOf(word) === "last-word";
  }

  /** Returns whether these words are the whole name of a secret, as in `API key`. */
  isPhrase(words: string): boolean {
    return this.#endings.has(normalized(words));
  }

  #kindOf(name: string): NameKind {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const key = normalized(name.slice(-MAX_NAME_CHARS));
    let kind: NameKind = this.#lastWords.has(key) ? "last-word" : "other";
    for (const ending of this.#endings) if (key.endsWith(ending)) kind = "secret";
    if (this.#known.size < MAX_KNOWN && name.length <= MAX_NAME_CHARS) this.#known.set(name, kind);
    return kind;
  }
}

/** Normalizes a name: removes separators, case and a plural `s`. */
function normalized(name: string): string {
  const lower = name.toLowerCase();
  const plain = isAscii(name)
    ? lower.replace(/[^a-z0-9]/g, "")
    : lower.replace(/[^\p{L}\p{N}]/gu, "");
  return plain.replace(/s$/, "");
}

/** Splits a name at its separators and at its capital letters. */
function wordsOf(name: string): string[] {
  const words = isAscii(name)
    ? name.replace(/([a-z])(?=[A-Z])/g, "$1_").split(/[^A-Za-z0-9]+/)
    : name.replace(/(\p{Ll})(?=\p{Lu})/gu, "$1_").split(/[^\p{L}\p{N}]+/u);
  return words.filter(Boolean);
}

/** Classes of Unicode characters take a ms to compile, and most names do without. */
function isAscii(name: string): boolean {
  return /^[ -~]*$/.test(name);
}
