/**
 * Callers of relays that retry until their requests are acknowledged, as SDKs do.
 *
 * @module
 */

import type { MockServer } from "../../../tools/mock_server/serve.ts";
import { ids } from "../cli/written_logs.ts";
import { endOf, PROJECT, startOf } from "../mock_server/mock_requests.ts";

/** Ms until a failed request is retried. */
const AGAIN_MS = 50;

/** Writes starts, ends and feedback, and tracks the acknowledged ones. */
export class StreamLoad {
  /** Calls with a part that was sent. */
  readonly sent: Set<string> = new Set();
  /** Calls whose start and end were acknowledged, and acknowledged feedback. */
  readonly calls: Set<string> = new Set();
  readonly notes: Set<string> = new Set();
  /** Number of requests by status other than 200; 0 for those without a response. */
  readonly refused: Map<number, number> = new Map();
  /** Number of failed requests, whose content may be stored all the same. */
  unanswered = 0;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #callers: Promise<void>[] = [];
  #urls: readonly string[];

  /** @param urls Base URLs of relays, used in turn. */
  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** Uses these relays from now on. */
  use(urls: readonly string[]): void {
    this.#urls = urls;
  }

  /** Starts callers. */
  start(callers = 4, size = 300): void {
    this.#callers = Array.from({ length: callers }, (_, i) => this.#call(i, size));
  }

  /** Resolves when this many calls have been acknowledged. */
  answered(count: number): Promise<void> {
    return this.#until(() => this.calls.size >= count);
  }

  /** Resolves when this many further calls have been acknowledged. */
  more(count: number): Promise<void> {
    return this.answered(this.calls.size + count);
  }

  /** Resolves when this many requests have been rejected with this status. */
  refusals(status: number, count: number): Promise<void> {
    return this.#until(() => (this.refused.get(status) ?? 0) >= count);
  }

  /** Starts no more calls; resolves when those in progress are acknowledged. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#callers);
  }

  /** Whether the server has everything that was acknowledged. */
  isComplete({ store }: MockServer): boolean {
    if (store.callCount(PROJECT) < this.calls.size) return false;
    const finished = new Set(
      store.calls(PROJECT).filter(({ ended_at }) => ended_at !== null).map(({ id }) => id),
    );
    const feedback = new Set(store.feedback(PROJECT).map(({ id }) => id as string));
    return [...this.calls].every((id) => finished.has(id)) &&
      [...this.notes].every((id) => feedback.has(id));
  }

  async #call(caller: number, size: number): Promise<void> {
    for (let i = caller; !this.#stop.signal.aborted; i++) {
      const id = ids.uuidv7();
      this.sent.add(id);
      // With these fields, the record of the end is the same at every relay.
      const key = { trace_id: id, started_at: "2025-01-02T03:04:05.678901Z" };
      const start = startOf(id, { ...key, inputs: { text: "x".repeat(size) } });
      await this.#send(i, "/call/start", { start });
      await this.#send(i + 1, "/call/end", { end: endOf(id, key) });
      this.calls.add(id);
      const note = ids.uuidv7();
      await this.#send(i, "/feedback/create", {
        id: note,
        project_id: PROJECT,
        weave_ref: `weave:///${PROJECT}/call/${id}`,
        feedback_type: "note",
        payload: { note: id },
      });
      this.notes.add(note);
      this.#look();
    }
  }

  async #send(turn: number, path: string, body: unknown): Promise<void> {
    for (let attempt = 0;; attempt++) {
      const status = await this.#attempt(
        this.#urls[(turn + attempt) % this.#urls.length],
        path,
        body,
      );
      if (status === 200) return;
      this.unanswered++;
      this.refused.set(status, (this.refused.get(status) ?? 0) + 1);
      this.#look();
      if (status !== 0 && status !== 503) throw new Error(`${path} was answered with ${status}`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  async #attempt(url: string, path: string, body: unknown): Promise<number> {
    try {
      const response = await fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      await response.text();
      return response.status;
    } catch {
      return 0;
    }
  }

  #until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isDone()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}
