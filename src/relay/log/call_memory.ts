/**
 * Open calls of a project: the fields of a start that the end must repeat in the v2 calls API.
 *
 * @module
 */

/** Maximum number of open calls in memory; ends of older ones are looked up. */
const MAX_OPEN_CALLS = 100_000;

/** JSON text of the fields of a start that the end must repeat in the v2 calls API. */
export interface OpenCall {
  readonly traceId: string;
  readonly startedAt: string;
}

/** Looks a call up where it may be known; `undefined` if it is not. */
export type FindCall = (projectId: string, id: string) => Promise<OpenCall | undefined>;

/** Open calls of a project. They outlive its log, which is closed when it is idle or its disk fails. */
export class CallMemory {
  readonly #projectId: string;
  readonly #find: FindCall;
  readonly #calls = new Map<string, OpenCall>();

  /** @param find Looks up calls whose starts did not arrive here. */
  constructor(projectId: string, find: FindCall) {
    this.#projectId = projectId;
    this.#find = find;
  }

  /** Remembers a call. */
  started(id: string, call: OpenCall): void {
    this.#calls.set(id, call);
    if (this.#calls.size > MAX_OPEN_CALLS) this.#calls.delete(this.#calls.keys().next().value!);
  }

  /** Returns a running call. */
  open(id: string): OpenCall | undefined {
    return this.#calls.get(id);
  }

  /** Forgets a call. */
  ended(id: string): void {
    this.#calls.delete(id);
  }

  /** Remembers a call that another process, or an earlier one, has recorded; if there is one. */
  async lookUp(id: string): Promise<void> {
    if (this.#calls.has(id)) return;
    const call = await this.#find(this.#projectId, id);
    if (call !== undefined) this.started(id, call);
  }
}
