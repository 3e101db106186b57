/**
 * The journal of requests to the mock server.
 *
 * @module
 */

/** A request. Requests to `/__mock` are not logged. */
export interface JournalEntry {
  /** 1 for the first request since the last reset. */
  readonly number: number;
  /** Time when it was read completely, epoch ms. */
  readonly at: number;
  readonly method: string;
  /** The path without the query. */
  readonly path: string;
  /** The header `X-Weave-Retry-Id`. */
  readonly retryId: string | null;
  /** The header `Authorization`. */
  readonly authorization: string | null;
  /** The header `Content-Type`. */
  readonly contentType: string | null;
  /** The header `User-Agent`. */
  readonly userAgent: string | null;
  /** Size of the body in bytes. */
  readonly bytes: number;
  /** The body as text, with the option `journalBodies`. */
  readonly body?: string;
  /** Number of items of a valid batch or list; 0 for other requests. */
  items: number;
  /** Response status; `null` while it is processed and if the connection was aborted. */
  status: number | null;
  /** Name of the fault that affected it. */
  fault: string | null;
  /** Time (ms) from reading until the response was ready; `null` before. */
  duration: number | null;
}

/** A bounded list of requests. The oldest are dropped first. */
export class Journal {
  /** Number of requests since the last reset, including dropped ones. */
  total = 0;
  /** Number of requests in progress. */
  inFlight = 0;
  /** Maximum number of concurrent requests. */
  peakInFlight = 0;
  /** Maximum number of entries. */
  readonly limit: number;
  #entries: JournalEntry[] = [];

  /** @param limit Maximum number of entries. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Logged requests, oldest first. */
  get entries(): readonly JournalEntry[] {
    return this.limit === 0 ? [] : this.#entries.slice(-this.limit);
  }

  /** Logged requests for a path (exact, or matched by an expression). */
  to(path: string | RegExp): JournalEntry[] {
    return this.entries.filter((entry) =>
      typeof path === "string" ? entry.path === path : path.test(entry.path)
    );
  }

  /** Adds a request before it is processed. */
  open(
    entry: Omit<JournalEntry, "number" | "items" | "status" | "fault" | "duration">,
  ): JournalEntry {
    const opened: JournalEntry = {
      ...entry,
      number: ++this.total,
      items: 0,
      status: null,
      fault: null,
      duration: null,
    };
    this.#entries.push(opened);
    if (this.#entries.length > this.limit * 2) {
      this.#entries.splice(0, this.#entries.length - this.limit);
    }
    this.peakInFlight = Math.max(this.peakInFlight, ++this.inFlight);
    return opened;
  }

  /** Logs the response to a request. */
  close(entry: JournalEntry, status: number | null): void {
    entry.status = status;
    entry.duration = Date.now() - entry.at;
    this.inFlight--;
  }

  /** Clears the journal. */
  clear(): void {
    this.total = 0;
    this.peakInFlight = this.inFlight;
    this.#entries = [];
  }
}
