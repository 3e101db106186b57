/**
 * APIs of a server.
 * @module
 */

/** APIs that a server has answered, and the fields in its responses. */
export class KnownApis {
  readonly #apis = new Set<string>();
  readonly #fields = new Set<string>();

  /** Returns whether the API of a path has answered with 2xx. */
  readonly has = (path: string): boolean => this.#apis.has(apiOf(path));

  /** Whether any API has answered with 2xx. */
  get any(): boolean {
    return this.#apis.size > 0;
  }

  /** Notes that the API of a path has answered with 2xx. */
  add(path: string): void {
    this.#apis.add(apiOf(path));
  }

  /** Returns whether a response with these additional fields came from the trace server. */
  hasField(fields: string): boolean {
    return this.#fields.has(fields);
  }

  /** Notes that a response with these additional fields came from the trace server. */
  addFields(fields: string): void {
    this.#fields.add(fields);
  }
}

/** All v2 paths count as one API. */
function apiOf(path: string): string {
  return path.startsWith("/v2/") ? "/v2/" : path;
}
