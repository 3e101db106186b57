/**
 * Fault injection: which requests are affected, and how.
 *
 * @module
 */

/**
 * A fault. If it has several kinds, the first in this order applies, plus `delayMs`:
 * `hang`, `reset`, `status`, `redirect`, `garbage`, `loseReply`, `truncate`. The request
 * is processed only with `delayMs` (without another kind), `loseReply` and `truncate`.
 */
export interface Fault {
  /** Affected paths: this one, or all that match (default: all). */
  path?: string | RegExp;
  /** Affects only requests whose body contains this text, such as a poison record. */
  bodyHas?: string;
  /** Maximum number of affected requests (default: no limit). */
  times?: number;
  /** Number of matching requests that are not affected first (default: 0). */
  skip?: number;
  /** Responds with this status. */
  status?: number;
  /** With `status`: the header `Retry-After`, in seconds or as a date. */
  retryAfter?: number | Date;
  /** With `status`: the body, as text or as a JSON value. */
  body?: unknown;
  /** Delays the response by this many ms, after processing the request. */
  delayMs?: number;
  /** Never responds. The request ends when the client or the server disconnects. */
  hang?: boolean;
  /** Aborts the connection before processing the request. */
  reset?: boolean;
  /** Processes the request, then aborts the connection before responding. */
  loseReply?: boolean;
  /** Processes the request, sends headers and this many bytes of the body, then aborts. */
  truncate?: number;
  /** Responds with 200 and an HTML page, as a captive portal does. */
  garbage?: boolean;
  /** Responds with 307 (or `status`) and this `Location`. */
  redirect?: string;
}

/** Name of a fault in the journal. */
export type FaultKind =
  | "hang"
  | "reset"
  | "status"
  | "redirect"
  | "garbage"
  | "loseReply"
  | "truncate"
  | "delay";

/** An active fault. */
export interface ActiveFault {
  /** Its definition. */
  readonly fault: Readonly<Fault>;
  /** Number of requests affected so far. */
  readonly hits: number;
  /** Removes it. */
  remove(): void;
}

/** Effect on a request. */
export function kindOf(fault: Fault): FaultKind | null {
  if (fault.hang) return "hang";
  if (fault.reset) return "reset";
  if (fault.redirect !== undefined) return "redirect";
  if (fault.status !== undefined) return "status";
  if (fault.garbage) return "garbage";
  if (fault.loseReply) return "loseReply";
  if (fault.truncate !== undefined) return "truncate";
  return fault.delayMs === undefined ? null : "delay";
}

class Entry implements ActiveFault {
  readonly fault: Readonly<Fault>;
  hits = 0;
  seen = 0;
  readonly #list: Set<Entry>;

  constructor(fault: Fault, list: Set<Entry>) {
    this.fault = fault;
    this.#list = list;
  }

  meets(path: string, body: () => string): boolean {
    const { path: wanted, bodyHas } = this.fault;
    if (typeof wanted === "string" && wanted !== path) return false;
    if (wanted instanceof RegExp && path.search(wanted) < 0) return false;
    return bodyHas === undefined || body().includes(bodyHas);
  }

  remove(): void {
    this.#list.delete(this);
  }
}

/** Active faults. The first one added takes precedence. */
export class Faults {
  #entries: Set<Entry> = new Set();

  /** Adds a fault. */
  add(fault: Fault): ActiveFault {
    const entry = new Entry(fault, this.#entries);
    this.#entries.add(entry);
    return entry;
  }

  /** Removes all faults. */
  clear(): void {
    this.#entries.clear();
  }

  /** Active faults. */
  get active(): readonly ActiveFault[] {
    return [...this.#entries];
  }

  /** The fault that affects this request, counted as used; `null` if there is none. */
  take(path: string, body: () => string): Readonly<Fault> | null {
    for (const entry of this.#entries) {
      if (!entry.meets(path, body) || entry.seen++ < (entry.fault.skip ?? 0)) continue;
      entry.hits++;
      if (entry.hits >= (entry.fault.times ?? Infinity)) entry.remove();
      return entry.fault;
    }
    return null;
  }
}
