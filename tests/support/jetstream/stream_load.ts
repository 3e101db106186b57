/**
 * Callers of relays who try again until they are answered, as SDKs do.
 *
 * @module
 */

import type { MockServer } from "../../../tools/mock_server/serve.ts";
import { ids } from "../cli/written_logs.ts";
import { endOf, PROJECT, startOf } from "../mock_server/mock_requests.ts";

/** Ms until a request that was refused or failed is made again. */
const AGAIN_MS = 50;

/** Writes starts, ends and feedback, and takes note of what was answered. */
export class StreamLoad {
  /** Calls of which a part was sent. */
  readonly sent: Set<string> = new Set();
  /** Calls whose start and end were answered, and feedback that was. */
  readonly calls: Set<string> = new Set();
  readonly notes: Set<string> = new Set();
  /** Requests that were not answered with 200, by status; 0 for those without an answer. */
  readonly refused: Map<number, number> = new Map();
  /** Requests that failed or were refused: what they hold may be written all the same. */
  unanswered = 0;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #callers: Promise<void>[] = [];
  #urls: readonly string[];

  /** @param urls Base URLs of relays; each request goes to the next one. */
  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** From now on, requests go to these relays. */
  use(urls: readonly string[]): void {
    this.#urls = urls;
  }

  /** Starts callers. */
  start(callers = 4, size = 300): void {
    this.#callers = Array.from({ length: callers }, (_, i) => this.#call(i, size));
  }

  /** Resolves when this many calls were answered. */
  answered(count: number): Promise<void> {
    return this.#until(() => this.calls.size >= count);
  }

  /** Resolves when this many more calls than now were answered. */
  more(count: number): Promise<void> {
    return this.answered(this.calls.size + count);
  }

  /** Resolves when this many requests were refused with this status. */
  refusals(status: number, count: number): Promise<void> {
    return this.#until(() => (this.refused.get(status) ?? 0) >= count);
  }

  /** Begins no more calls; resolves when those that were begun are answered. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#callers);
  }

  /** Whether the server has all that was answered. */
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
      // With them the record of the end is the same by whichever relay it goes.
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
