/**
 * A simulated network and its servers, behind `fetch`.
 *
 * Checks every request: it must contain the appended bytes, arrive in order, at the right
 * server, from the one process that may send it, and must not be repeated without a
 * reason.
 *
 * @module
 */

import {
  abortError,
  type Answer,
  type Attempt,
  chooseFault,
  notFound,
  refusal,
  responseOf,
  type ServerState,
  untilAborted,
} from "./answers.ts";
import type { SimContext } from "../world/context.ts";
import type { ProcessView, SimRecord } from "../world/ledger.ts";
import { ServerChecks } from "./server_checks.ts";
import { mix, Random } from "../scenario/random.ts";
import { readReply, replyTo } from "../../support/delivery/fake_replies.ts";
import { readRequest } from "../scenario/request.ts";
import type { ServerFault, ServerFaultKind, ServerMode } from "../scenario/scenario.ts";

const URL = /^http:\/\/server(\d)(\/.*)$/;
const GARBAGE = ["<html>log in</html>", "", "[]", "null", '{"res":[', '{"error":"log in"}'];

/** All servers of a run. */
export class SimServers {
  readonly #context: SimContext;
  readonly #servers: ServerState[];
  readonly #attempts = new Map<string, { first: number; what: string }>();
  readonly #checks: ServerChecks;

  constructor(context: SimContext) {
    this.#context = context;
    this.#checks = new ServerChecks(context);
    const { mode } = context.setup;
    this.#servers = [0, 1].map(() => ({ mode, faults: [], seed: 0, served: 0 }));
  }

  /** Base URL of a server. */
  static url(server: number): string {
    return `http://server${server}`;
  }

  /** Sets the faults of a server. */
  setFaults(server: number, faults: readonly ServerFault[], seed: number): void {
    Object.assign(this.#servers[server], { faults, seed, served: 0 });
  }

  /** Sets the call endpoints of a server. */
  setMode(server: number, mode: ServerMode): void {
    this.#servers[server].mode = mode;
  }

  /** Ends all faults; every server then has an endpoint for calls. */
  heal(): void {
    for (const state of this.#servers) {
      state.faults = [];
      if (state.mode === "neither") state.mode = "both";
    }
  }

  /** `fetch` of a process. */
  fetchOf(process: ProcessView): typeof fetch {
    return ((url: string, init: RequestInit) => this.#fetch(process, url, init)) as typeof fetch;
  }

  #fetch(process: ProcessView, url: string, init: RequestInit): Promise<Response> {
    if (process.dead) return new Promise(() => {});
    const match = URL.exec(url);
    if (!match) return Promise.reject(new TypeError(`fetch failed: ${url}`));
    const { trace, past } = this.#context;
    const server = Number(match[1]);
    const state = this.#servers[server];
    const read = match[2] === "/call/read" ? this.#startReply(init) : readReply(match[2]);
    if (read !== null) return this.#read(process, state, server, read, init.signal!);
    const request = readRequest(this.#context.ledger, server, match[2], init);
    const serial = ++past.requests;
    const keys = request.records.map(({ key }) => key).join(" ");
    trace.add(`p${process.id} sends ${serial} to ${server}${request.path}: ${keys}`);
    const known = this.#attempts.get(request.retryId);
    const first = known?.first ?? serial;
    if (!known) this.#attempts.set(request.retryId, { first, what: request.what });
    else if (known.what !== request.what) {
      this.#context.violate("retry-id", `${known.what} and then ${request.what}`);
    }
    const random = new Random(mix(state.seed, ++state.served, server));
    const attempt: Attempt = { request, process, first, random, state };
    this.#checks.checkLease(attempt);
    if (first === serial) this.#checks.checkFresh(attempt);
    return this.#travel(attempt, chooseFault(state, random), init.signal!);
  }

  /** Response to a request for a call: its start, if that is stored. */
  #startReply({ body }: RequestInit): string {
    const { id } = JSON.parse(new TextDecoder().decode(body as Uint8Array)) as { id: string };
    const { ledger } = this.#context;
    const start = ledger.find(`${id}:start`);
    if (!start?.stored) {
      const end = ledger.find(`${id}:end`);
      if (end !== undefined) end.refused ||= !this.#checks.mayStart(end);
      return '{"call":null}';
    }
    return JSON.stringify({ call: JSON.parse(start.text.request).start });
  }

  /** Answers a request that writes nothing; it is subject to the same faults. */
  #read(
    process: ProcessView,
    state: ServerState,
    server: number,
    text: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const random = new Random(mix(state.seed, ++state.served, server));
    const fault = chooseFault(state, random);
    const ms = this.#delay(random) + this.#delay(random) +
      (fault === "late" ? this.#context.setup.timeoutMs * random.int(1, 4) : 0);
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(abortError()), { once: true });
      if (fault === "hang" || fault === "body-hang") return;
      this.#later(ms, () =>
        process.gate(() => {
          if (signal.aborted) return;
          if (fault === "unreachable" || fault === "lost" || fault === "cut-body") {
            return reject(new TypeError("fetch failed"));
          }
          const status = typeof fault === "number" ? fault : fault === "redirect" ? 302 : 200;
          const body = fault === "garbage"
            ? random.pick(GARBAGE)
            : status === 200
            ? text
            : status === 404
            ? notFound(state)
            : "{}";
          resolve(responseOf({ status, text: body }, () => Promise.resolve(body)));
        }));
    });
  }

  /** Transports a request and its response. */
  #travel(
    attempt: Attempt,
    fault: ServerFaultKind | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    const { process, random } = attempt;
    const leave = this.#checks.enter(attempt);
    const there = this.#delay(random), back = this.#delay(random);
    const { timeoutMs } = this.#context.setup;
    return new Promise((resolve, reject) => {
      let over = false;
      const end = (finish: () => void): void => {
        if (over) return;
        over = true;
        leave();
        finish();
      };
      signal.addEventListener("abort", () => end(() => reject(abortError())), { once: true });
      const fail = (ms: number): void =>
        this.#later(ms, () => process.gate(() => end(() => reject(new TypeError("fetch failed")))));
      const answer = (reply: Answer, body: () => Promise<string>): void =>
        this.#later(back, () =>
          process.gate(() => {
            this.#context.trace.add(`p${process.id} gets ${reply.status}`);
            end(() => resolve(responseOf(reply, body)));
          }));
      const whole = (reply: Answer): void => answer(reply, () => this.#receive(attempt, reply));
      const arrive = (then: (reply: Answer) => void): void =>
        this.#later(there, () => {
          const reply = this.#arrive(attempt);
          if (reply === "tear") fail(0);
          else then(reply);
        });
      switch (fault) {
        case undefined:
          return arrive(whole);
        case "unreachable":
          return fail(there);
        case "lost":
          return arrive(() => fail(back));
        case "hang":
          return random.chance(0.5) ? arrive(() => {}) : undefined;
        case "body-hang":
          return arrive((reply) => answer(reply, () => untilAborted(signal)));
        case "cut-body":
          return arrive((reply) =>
            answer(reply, () => Promise.reject(new TypeError("terminated")))
          );
        case "truncated":
          return arrive((reply) => {
            if (reply.status !== 200) return whole(reply);
            // With a closing brace it would count as complete, rightly: the status is
            // 2xx.
            const text = reply.text.slice(0, random.int(0, reply.text.length - 1)).replace(
              /}+$/,
              "",
            );
            answer(reply, () => Promise.resolve(text));
          });
        case "garbage": {
          const text = random.pick(GARBAGE);
          return answer({ status: 200, text }, () => Promise.resolve(text));
        }
        case "late":
          return this.#later(timeoutMs * random.int(1, 4), () => arrive(whole));
        case "redirect":
          return whole({ status: random.pick([0, 302, 307]), text: "" });
        default:
          return this.#later(there, () => whole(this.#refuse(attempt, fault)));
      }
    });
  }

  /** Called when the sender has received the whole response. */
  #receive(
    { request, process }: Attempt,
    { status, text, isPartial = false }: Answer,
  ): Promise<string> {
    if (!process.dead && !isPartial && status >= 200 && status < 300) {
      for (const record of request.records) record.answered = true;
    }
    return Promise.resolve(text);
  }

  /** Handles a request at the server. */
  #arrive(attempt: Attempt): Answer | "tear" {
    const { request, state } = attempt;
    const { setup, past, violate } = this.#context;
    const { path } = request;
    if (request.missing(state.mode, setup)) return { status: 404, text: '{"detail":"Not Found"}' };
    if (request.size > setup.serverBytes) return this.#refuse(attempt, 413);
    if (request.trouble !== null) {
      if (past.crashed) return this.#refuse(attempt, 400);
      violate("altered", `${path}: ${request.trouble}`);
      return this.#refuse(attempt, 400);
    }
    if (path === "/call/upsert_batch" && state.mode === "complete") {
      const text = '{"error_code":"CALLS_COMPLETE_MODE_REQUIRED","reason":"not this way"}';
      return { status: 400, text };
    }
    const poison = request.records.find(({ poison }) => poison);
    if (poison) return this.#reject(attempt, poison);
    if (request.hasWrongDigest) return this.#refuse(attempt, 409);
    const orphan = path.endsWith("/call/end") ? request.records.find(isOrphan) : undefined;
    if (orphan && !this.#checks.hasStart(orphan)) {
      orphan.refused ||= !this.#checks.mayStart(orphan);
      return { status: 404, text: '{"reason":"Cannot end call: no start found"}' };
    }
    for (const record of request.records) this.#checks.stored(attempt, record);
    return { status: 200, text: replyTo(path) };
  }

  /** Rejects a record permanently: by a 4xx, a 500, or a broken connection. */
  #reject(attempt: Attempt, { order }: SimRecord): Answer | "tear" {
    const kind = order % 6;
    const { request } = attempt;
    if (kind > 3 && request.records.every(({ kind }) => kind === "span")) {
      for (const record of request.exclusive) record.refused = true;
      for (const record of request.records) {
        if (!record.poison) this.#checks.stored(attempt, record);
      }
      const text = '{"partial_success":{"rejected_spans":1,"error_message":"no tree"}}';
      return { status: 200, text, isPartial: true };
    }
    if (kind > 1) return this.#refuse(attempt, 422);
    for (const record of request.exclusive) record.refused = true;
    return kind === 1 ? { status: 500, text: '{"reason":"Internal server error"}' } : "tear";
  }

  #refuse(attempt: Attempt, status: number): Answer {
    return refusal(attempt, status, this.#context.clock.now());
  }

  #delay(random: Random): number {
    const { latencyMs } = this.#context.setup;
    return latencyMs === 0 ? 0 : random.int(0, latencyMs);
  }

  #later(ms: number, run: () => void): void {
    if (ms === 0) queueMicrotask(run);
    else this.#context.clock.after(ms, run);
  }
}

function isOrphan({ kind }: SimRecord): boolean {
  return kind === "end";
}
