/**
 * What the mock server was asked, and what it answered.
 *
 * @module
 */

/** One request that came in; reads of `/__mock` are not among them. */
export interface JournalEntry {
  /** 1 for the first request since the last reset. */
  readonly number: number;
  /** When it had been read, epoch ms. */
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
  /** How many items a batch or list held that was understood; 0 elsewhere. */
  items: number;
  /** The status answered; `null` while it is worked on, and when the connection was torn. */
  status: number | null;
  /** The name of the fault that met it. */
  fault: string | null;
  /** Ms from when it had been read until its answer was ready; `null` before. */
  duration: number | null;
}

/** A bounded list of requests, the oldest forgotten first. */
export class Journal {
  /** Requests since the last reset, the forgotten ones too. */
  total = 0;
  /** Requests being worked on. */
  inFlight = 0;
  /** The most requests that were worked on at a time. */
  peakInFlight = 0;
  /** The most requests that are remembered. */
  readonly limit: number;
  #entries: JournalEntry[] = [];

  /** @param limit The most requests that are remembered. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The requests remembered, oldest first. */
  get entries(): readonly JournalEntry[] {
    return this.limit === 0 ? [] : this.#entries.slice(-this.limit);
  }

  /** The remembered requests for a path (exact, or matched by an expression). */
  to(path: string | RegExp): JournalEntry[] {
    return this.entries.filter((entry) =>
      typeof path === "string" ? entry.path === path : path.test(entry.path)
    );
  }

  /** Adds a request that is about to be worked on. */
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

  /** Notes the answer to a request. */
  close(entry: JournalEntry, status: number | null): void {
    entry.status = status;
    entry.duration = Date.now() - entry.at;
    this.inFlight--;
  }

  /** Forgets everything. */
  clear(): void {
    this.total = 0;
    this.peakInFlight = this.inFlight;
    this.#entries = [];
  }
}
