/**
 * The APIs that a server has.
 *
 * @module
 */

/** The APIs that a server has answered, and the fields that it has used in its responses. */
export class KnownApis {
  readonly #apis = new Set<string>();
  readonly #fields = new Set<string>();

  /** Whether the API of a path has answered with 2xx. */
  readonly has = (path: string): boolean => this.#apis.has(apiOf(path));

  /** Whether any API has. */
  get any(): boolean {
    return this.#apis.size > 0;
  }

  /** The API of a path has answered with 2xx. */
  add(path: string): void {
    this.#apis.add(apiOf(path));
  }

  /** Whether a response with these additional fields was the trace server's. */
  hasField(fields: string): boolean {
    return this.#fields.has(fields);
  }

  /** A response with these additional fields was the trace server's. */
  addFields(fields: string): void {
    this.#fields.add(fields);
  }
}

/** All v2 paths are one API. */
function apiOf(path: string): string {
  return path.startsWith("/v2/") ? "/v2/" : path;
}
