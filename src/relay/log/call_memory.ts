/**
 * Open calls of a project: the fields of a start that the end must repeat in the v2 calls API.
 *
 * @module
 */

/** Maximum number of open calls in memory; the sender looks up those of older ones. */
const MAX_OPEN_CALLS = 100_000;

/** Maximum number of characters of such a field. */
const MAX_FIELD = 256;

/** JSON text of the fields of a start that the end must repeat in the v2 calls API. */
export interface OpenCall {
  readonly traceId: string;
  readonly startedAt: string;
}

/** Open calls of a project. They outlive its log, which is closed when it is idle or its disk fails. */
export class CallMemory {
  readonly #calls = new Map<string, OpenCall>();

  /** Remembers a call, if its ID and fields have no unusual length. */
  started(id: string, call: OpenCall): void {
    if ([id, call.traceId, call.startedAt].some(({ length }) => length > MAX_FIELD)) return;
    this.#calls.set(id, call);
    if (this.#calls.size > MAX_OPEN_CALLS) this.#calls.delete(this.#calls.keys().next().value!);
  }

  /** Whether no call is open. */
  get isEmpty(): boolean {
    return this.#calls.size === 0;
  }

  /** Returns a running call. */
  open(id: string): OpenCall | undefined {
    return this.#calls.get(id);
  }

  /** Forgets a call. */
  ended(id: string): void {
    this.#calls.delete(id);
  }
}
