/**
 * A simulated trace server that keeps track of the calls of a stream.
 *
 * @module
 */

import { partitionOf } from "../../../src/jetstream/subjects.ts";
import { leaseKey } from "../../../src/jetstream/sending/stream_lease.ts";
import { readReply, replyTo } from "../../support/delivery/fake_replies.ts";
import type { SimStream } from "./sim_stream.ts";

/** A broken promise. */
export type StreamViolation = "lost" | "order" | "resent" | "lease" | "pending" | "refused";

/** A start or an end of a call in a request. */
interface Part {
  readonly id: string;
  readonly part: "start" | "end";
}

/** A sending process. */
export interface SenderView {
  readonly token: string;
  isDead: boolean;
  /** Parts acknowledged to this process since it last claimed their partition. */
  readonly answered: Set<string>;
}

/** The server and its record of calls. */
export class StreamServer {
  readonly #stream: SimStream;
  readonly #partitions: number;
  readonly #violate: (code: StreamViolation, text: string) => void;
  /** Stored parts, e.g. `c1:start`. */
  readonly has: Set<string> = new Set();
  /**
   * Calls whose start was repeated after their end: they are running until the end is
   * repeated as well.
   */
  readonly reopened: Set<string> = new Set();
  /** Calls that it rejects. */
  readonly poison: Set<string> = new Set();
  /** Parts whose request was repeated by a caller. */
  readonly repeated: Set<string> = new Set();
  /** Probability that a request fails. */
  failures = 0;
  requests = 0;

  constructor(
    stream: SimStream,
    partitions: number,
    violate: (code: StreamViolation, text: string) => void,
  ) {
    this.#stream = stream;
    this.#partitions = partitions;
    this.#violate = violate;
  }

  /** `fetch` of a process. */
  fetchOf(sender: SenderView): typeof fetch {
    return ((url: string, init: RequestInit) => this.#fetch(sender, url, init)) as typeof fetch;
  }

  #fetch(sender: SenderView, url: string, init: RequestInit): Promise<Response> {
    if (sender.isDead) return new Promise(() => {});
    const { clock, random } = this.#stream;
    const path = url.slice(url.indexOf("/", 8));
    const read = readReply(path);
    const parts = read === null ? partsOf(path, init) : [];
    this.requests++;
    for (const { id, part } of parts) this.#sent(sender, id, part);
    return new Promise((resolve, reject) => {
      init.signal!.addEventListener("abort", () => reject(init.signal!.reason), { once: true });
      const answer = (status: number, text: string): void => {
        clock.after(random.int(1, 30), () => {
          if (sender.isDead) return;
          if (status === 200) {
            for (const { id, part } of parts) sender.answered.add(`${id}:${part}`);
          }
          resolve(new Response(text, { status }));
        });
      };
      clock.after(random.int(1, 30), () => {
        if (read !== null) return answer(200, read);
        const fault = random.chance(this.failures) ? random.pick(["lost", "down", "busy"]) : null;
        if (fault === "down") return reject(new TypeError("fetch failed"));
        if (fault === "busy") return answer(503, "{}");
        const { status, text } = this.#take(path, parts);
        if (fault === "lost") return reject(new TypeError("fetch failed"));
        answer(status, text);
      });
    });
  }

  #take(path: string, parts: readonly Part[]): { status: number; text: string } {
    if (parts.some(({ id }) => this.poison.has(id))) {
      return { status: 422, text: '{"reason":"refused"}' };
    }
    for (const { id, part } of parts) {
      if (part === "end" && !this.has.has(`${id}:start`)) {
        this.#violate("order", `${id}:end came before its start`);
        return { status: 404, text: '{"reason":"Cannot end call: no start found"}' };
      }
      if (part === "end") this.reopened.delete(id);
      else if (this.has.has(`${id}:end`)) this.reopened.add(id);
      this.has.add(`${id}:${part}`);
    }
    return { status: 200, text: replyTo(path) };
  }

  #sent(sender: SenderView, id: string, part: string): void {
    const key = leaseKey(partitionOf(id, this.#partitions));
    const holder = this.#stream.holder(key);
    if (holder !== undefined && holder !== sender.token) {
      this.#violate("lease", `${sender.token} sends ${id}:${part}, whose partition ${holder} has`);
    }
    const name = `${id}:${part}`;
    if (sender.answered.has(name) && !this.repeated.has(name)) {
      this.#violate("resent", `${name} by ${sender.token}, which had its answer`);
    }
  }
}

interface CallBody {
  readonly id: string;
}

function partsOf(path: string, init: RequestInit): Part[] {
  const body = JSON.parse(decoder.decode(init.body as Uint8Array)) as {
    readonly batch?: readonly CallBody[];
    readonly start?: CallBody;
    readonly end?: CallBody;
  };
  if (path.endsWith("/complete")) {
    return body.batch!.flatMap(({ id }): Part[] => [{ id, part: "start" }, { id, part: "end" }]);
  }
  if (body.start) return [{ id: body.start.id, part: "start" }];
  return [{ id: body.end!.id, part: "end" }];
}

const decoder = new TextDecoder();
