/**
 * Faults on demand: which requests they meet and what happens to these.
 *
 * @module
 */

/**
 * A fault. Without a kind of its own it changes nothing; with several, `delayMs` joins the other
 * and the first of this order wins: `hang`, `reset`, `status`, `redirect`, `garbage`, `loseReply`,
 * `truncate`. The work asked for is done with `delayMs` alone, `loseReply` and `truncate` only.
 */
export interface Fault {
  /** Which paths it meets: exactly this one, or all that match. All by default. */
  path?: string | RegExp;
  /** Only requests whose body holds this text: a poison record. */
  bodyHas?: string;
  /** How many requests it meets before it is used up; without end by default. */
  times?: number;
  /** How many matching requests pass unharmed first; 0. */
  skip?: number;
  /** Answers with this status. */
  status?: number;
  /** With `status`: the header `Retry-After`, in seconds or as a date. */
  retryAfter?: number | Date;
  /** With `status`: the body, as text or as a JSON value. */
  body?: unknown;
  /** Holds the answer back for this many ms; the work is done before. */
  delayMs?: number;
  /** Never answers; the request ends when the client or the server goes away. */
  hang?: boolean;
  /** Tears the connection before anything is answered. */
  reset?: boolean;
  /** Does the work, then tears the connection before anything is answered. */
  loseReply?: boolean;
  /** Does the work, promises the whole answer, sends this many bytes of its body, then tears. */
  truncate?: number;
  /** Answers 200 with HTML, as a proxy in the way does. */
  garbage?: boolean;
  /** Answers 307 (or `status`) with this `Location`. */
  redirect?: string;
}

/** What a fault does, in the journal's words. */
export type FaultKind =
  | "hang"
  | "reset"
  | "status"
  | "redirect"
  | "garbage"
  | "loseReply"
  | "truncate"
  | "delay";

/** A fault that was added. */
export interface ActiveFault {
  /** As it was given. */
  readonly fault: Readonly<Fault>;
  /** How many requests it met so far. */
  readonly hits: number;
  /** Takes it away. */
  remove(): void;
}

/** What happens to a request. */
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

/** The faults in force; the one added first wins. */
export class Faults {
  #entries: Set<Entry> = new Set();

  /** Adds a fault. */
  add(fault: Fault): ActiveFault {
    const entry = new Entry(fault, this.#entries);
    this.#entries.add(entry);
    return entry;
  }

  /** Takes all faults away. */
  clear(): void {
    this.#entries.clear();
  }

  /** The faults in force. */
  get active(): readonly ActiveFault[] {
    return [...this.#entries];
  }

  /** The fault that meets this request, used up by one; `null` when none does. */
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
