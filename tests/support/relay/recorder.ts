/**
 * A proxy between clients and a relay that records the writes acknowledged by the relay.
 * The relay may be replaced; while there is none, requests fail with 503, which all
 * clients retry.
 *
 * @module
 */

import { listen, type Listener } from "../../../src/http_server/listen.ts";
import { readSpans } from "../../../src/protocol/otlp/spans.ts";
import type { MockStore } from "../../../tools/mock_server/store/store.ts";

const CONNECTION_HEADERS = ["host", "connection", "content-length", "transfer-encoding"];

/** The owner of the key, and an existing project. */
const OWNER = {
  viewer: { username: "someone", defaultEntity: { name: "team" } },
  project: { name: "python", entity: { name: "team" } },
};

/** Acknowledged writes of one project. */
export class Recorder {
  /** `start <id>` and `end <id>` of calls, `span <id>`. */
  readonly answered: Set<string> = new Set();
  /** Number of requests rejected with 503. */
  refused = 0;
  /** Base URL of the relay; `null` while there is none. */
  relay: string | null = null;
  #listener: Listener | undefined;
  readonly #looks = new Set<() => void>();

  /** Starts to listen. */
  static async start(): Promise<Recorder> {
    const recorder = new Recorder();
    const handle = (request: Request): Promise<Response> => recorder.#pass(request);
    recorder.#listener = await listen({ port: 0, hostname: "127.0.0.1", engine: "node", handle });
    return recorder;
  }

  /** Base URL for clients. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener!.port}`;
  }

  /** Resolves when the predicate is true; checked after each request. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isTrue()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  /** Acknowledged writes that are missing at the server. */
  missing(store: MockStore, project: string): string[] {
    const has = new Set(
      store.calls(project).flatMap(({ id, started_at, ended_at }) => [
        ...started_at === null ? [] : [`start ${id}`],
        ...ended_at === null ? [] : [`end ${id}`],
      ]),
    );
    for (const { spanId } of store.spans(project)) has.add(`span ${spanId}`);
    return [...this.answered].filter((one) => !has.has(one));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.close();
  }

  async #pass(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    // The W&B server is separate from the trace server.
    if (pathname === "/graphql") return Response.json({ data: OWNER });
    const headers = new Headers(request.headers);
    for (const name of CONNECTION_HEADERS) headers.delete(name);
    const init = { method: request.method, headers, ...body.length > 0 ? { body } : {} };
    const response = this.relay === null
      ? null
      : await fetch(`${this.relay}${pathname}${search}`, init).then(async (response) => ({
        status: response.status,
        headers: response.headers,
        body: await response.arrayBuffer(),
      })).catch(() => null);
    if (response?.status === 200) {
      for (const one of await writesIn(pathname, headers, body)) this.answered.add(one);
    } else if (response === null || response.status === 503) this.refused++;
    for (const look of this.#looks) look();
    if (response === null) {
      return Response.json({ reason: "away" }, { status: 503, headers: { "retry-after": "1" } });
    }
    const { status } = response;
    const type = response.headers.get("content-type") ?? "application/json";
    const after = response.headers.get("retry-after");
    return new Response(response.body, {
      status,
      headers: { "content-type": type, ...after === null ? {} : { "retry-after": after } },
    });
  }
}

/** The start or end of a call. */
interface CallPart {
  readonly id: string;
}

async function writesIn(
  path: string,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
): Promise<string[]> {
  const bytes = headers.get("content-encoding") === "gzip"
    ? new Uint8Array(
      await new Response(new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip")))
        .arrayBuffer(),
    )
    : body;
  if (path.endsWith("/v1/traces")) {
    return readSpans(bytes).map(({ spanId }) => `span ${spanId}`);
  }
  const isCalls = /\/(?:upsert_batch|calls\/complete|call\/start|call\/end)$/.test(path);
  if (!isCalls) return [];
  const value = JSON.parse(new TextDecoder().decode(bytes)) as {
    batch?: ({ mode: "start" | "end"; req: Record<string, CallPart> } & CallPart)[];
    start?: CallPart;
    end?: CallPart;
  };
  if (value.start) return [`start ${value.start.id}`];
  if (value.end) return [`end ${value.end.id}`];
  return (value.batch ?? []).flatMap(({ mode, req, id }) =>
    req === undefined ? [`start ${id}`, `end ${id}`] : [`${mode} ${req[mode].id}`]
  );
}
