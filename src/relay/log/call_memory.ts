/**
 * Open calls of all projects: the fields of a start that the end must repeat in the v2 calls API.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";

/**
 * Maximum number of open calls in memory, of all projects; the oldest are forgotten first, and the
 * sender looks them up.
 */
const MAX_OPEN_CALLS = 100_000;

/** Ms after which a call that has not ended is forgotten: most of these never end. */
const MAX_AGE_MS = 86_400_000;

/** Maximum number of characters of such a field. */
const MAX_FIELD = 256;

/** JSON text of the fields of a start that the end must repeat in the v2 calls API. */
export interface OpenCall {
  readonly traceId: string;
  readonly startedAt: string;
}

interface Remembered {
  readonly call: OpenCall;
  /** Time of its start here, on the monotonic clock. */
  readonly at: number;
}

/** Open calls. They outlive the log of their project, which is closed when it is idle. */
export class CallMemory {
  readonly #clock: Pick<Clock, "monotonic">;
  /** By project and ID, in the order of their starts. */
  readonly #calls = new Map<string, Remembered>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Number of calls in memory. */
  get size(): number {
    return this.#calls.size;
  }

  /** Returns the open calls of a project. */
  of(projectId: string): ProjectCalls {
    const keyOf = (id: string): string => `${projectId}\n${id}`;
    return {
      started: (id, call) => {
        const texts = [id, call.traceId, call.startedAt];
        if (texts.every(({ length }) => length <= MAX_FIELD)) this.#started(keyOf(id), call);
      },
      open: (id) => this.#calls.get(keyOf(id))?.call,
      ended: (id) => {
        this.#calls.delete(keyOf(id));
      },
    };
  }

  /** Forgets the calls that are too old, and the oldest if there are too many. */
  trim(): void {
    const oldest = this.#clock.monotonic() - MAX_AGE_MS;
    for (const [key, { at }] of this.#calls) {
      if (at > oldest && this.#calls.size <= MAX_OPEN_CALLS) break;
      this.#calls.delete(key);
    }
  }

  #started(key: string, call: OpenCall): void {
    this.#calls.delete(key);
    this.#calls.set(key, { call, at: this.#clock.monotonic() });
    this.trim();
  }
}

/** Open calls of one project. */
export interface ProjectCalls {
  /** Remembers a call, if its ID and fields have no unusual length. */
  started(id: string, call: OpenCall): void;
  /** Returns a running call. */
  open(id: string): OpenCall | undefined;
  /** Forgets a call. */
  ended(id: string): void;
}
