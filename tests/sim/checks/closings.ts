/**
 * Checks every closing of an interrupted call or span as it happens, and finds missing
 * ones.
 *
 * @module
 */

import { INTERRUPTED, INTERRUPTED_SPAN } from "../../../src/wal/open_calls/open_calls.ts";
import type { RecordText } from "../scenario/records.ts";
import { endOfSpan } from "../scenario/spans.ts";
import type { SimContext } from "../world/context.ts";
import type { SimRecord } from "../world/ledger.ts";
import type { SimProcess } from "../process/process.ts";

const CLOSING = /^(.*_([0-9a-f]{32}))\.jsonl$/;
const END =
  /^\{"end":\{("project_id":"[^"]*","id":"([^"]*)"),("trace_id":"[^"]*","started_at":"([^"]*)"),("ended_at":"([^"]*)",.*)\}\}$/;

const SPAN = /^\{"type":"otel_(?:traces|agents)","req":(.*"span":"(s\d+)".*)\}$/;
/**
 * Ms after the last heartbeat within which a record's time is evidence that the process
 * was alive.
 */
const TRUSTED_MS = 10_000;

/** Checks closings. */
export class Closings {
  readonly #context: SimContext;
  readonly #processes: readonly SimProcess[];

  /** @param processes All processes of the run; grows as they start. */
  constructor(context: SimContext, processes: readonly SimProcess[]) {
    this.#context = context;
    this.#processes = processes;
  }

  /** Checks the closings in a file that was renamed. */
  afterRename(from: string, to: string): void {
    if (!from.endsWith(".closing")) return;
    const [, base, token] = CLOSING.exec(to)!;
    const owner = this.#processes.find((one) => one.token === token);
    if (owner === undefined) return;
    const { violate } = this.#context;
    const isRunning = !owner.dead && !owner.finishing;
    if (isRunning && !owner.suspect) violate("closed-alive", `calls of process ${owner.id}`);
    const lines = (this.#context.ledger.read(to) ?? "").split("\n").slice(0, -1);
    const signs = this.#signsOfLife(owner, lines);
    for (const line of lines) {
      if (SPAN.test(line)) this.#closedSpan(owner, base, line, signs);
      else this.#closedCall(owner, base, line, signs);
    }
  }

  /** Times at which there may be the last evidence that a process was alive, epoch ms. */
  #signsOfLife(owner: SimProcess, lines: readonly string[]): number[] {
    const limit = owner.lastHeartbeat + TRUSTED_MS;
    const begun = lines.flatMap((line) => this.#span(line)?.span.startedAt ?? []);
    const last = Math.max(owner.lastHeartbeat, ...begun.filter((time) => time <= limit));
    // The record that holds the time may have been removed since, and so may a span that has ended.
    const spans = [...this.#context.ledger.spans.values()]
      .flatMap(({ span, origin }) => origin === owner ? span.startedAt : []);
    const earlier = [...owner.reported, ...spans]
      .filter((time) => time <= limit)
      .map((time) => Math.max(last, time));
    return [last, ...earlier];
  }

  #span(line: string): ReturnType<SimContext["ledger"]["spans"]["get"]> {
    return this.#context.ledger.spans.get(SPAN.exec(line)?.[2] ?? "");
  }

  #closedCall(owner: SimProcess, base: string, line: string, signs: readonly number[]): void {
    const { ledger, violate } = this.#context;
    const request = line.slice('{"type":"call_end","req":'.length, -1);
    const [, head, call, , startedAt, rest, endedAt] = END.exec(request)!;
    const start = ledger.find(`${call}:start`);
    const isSure = this.#checkEnds(owner, call, start?.origin === owner);
    const times = signs.map((at) => new Date(at).toISOString().replace("Z", "000Z"));
    if (isSure && !times.some((at) => endedAt === (at > startedAt ? at : startedAt))) {
      violate("closed-time", `${call}: ${endedAt}, and its process was last heard of at ${times}`);
    }
    const bare = `{"end":{${head},${rest}}}`;
    const text: RecordText = {
      type: "call_end",
      request,
      v1: `{"mode":"end","req":${bare}}`,
      bodies: [request],
      half: rest,
    };
    this.#add(owner, base, { call, kind: "end", text, line, order: start?.order ?? 0 });
  }

  #closedSpan(owner: SimProcess, base: string, line: string, signs: readonly number[]): void {
    const { ledger, violate } = this.#context;
    const [, request, id] = SPAN.exec(line)!;
    const { span, origin } = ledger.spans.get(id)!;
    const isSure = this.#checkEnds(owner, id, origin === owner);
    const ends = signs.map((at) => endOfSpan(span, { at, error: INTERRUPTED_SPAN }));
    const isRight = ends.some((end) => end.request === request);
    if (isSure && !isRight) {
      const times = signs.map((at) => new Date(at).toISOString());
      violate("closed-time", `${id}: ${request}, and its process was last heard of at ${times}`);
    }
    const base64 = /"request_base64":"([^"]*)"/.exec(request)![1];
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const text = { ...ends[0], request, spans: { ...ends[0].spans!, bytes } };
    this.#add(owner, base, { call: id, kind: "span", text, line, order: 0 });
  }

  /** Checks that a call or span has no end yet. Returns whether its end can be checked. */
  #checkEnds(owner: SimProcess, call: string, isOwn: boolean): boolean {
    const { ledger, violate, past } = this.#context;
    const end = ledger.find(`${call}:end`);
    const isSure = !past.crashed && !owner.troubled;
    if (isSure && ledger.find(`${call}:cut`)) {
      violate("closed-twice", `${call} of process ${owner.id}`);
    }
    if (!isOwn) violate("closed-twice", `${call} is not of process ${owner.id}`);
    // The end of a call counts also if a limit dropped it later.
    const isKnown = end?.excuse === null || end?.excuse === "drop-oldest";
    if (isSure && end?.accepted && !end.memory && isKnown && owner.dead) {
      violate("closed-twice", `${call} of process ${owner.id}, which had ended it`);
    }
    if (end) end.excuse ??= "closed";
    return isSure;
  }

  #add(
    owner: SimProcess,
    base: string,
    { call, kind, text, line, order }: Pick<SimRecord, "call" | "kind" | "text" | "line" | "order">,
  ): void {
    const { ledger, clock } = this.#context;
    ledger.add({
      key: `${call}:cut`,
      kind,
      text,
      line,
      call,
      project: owner.step.project,
      server: owner.step.server,
      poison: false,
      origin: owner,
      order,
      at: clock.monotonic(),
      accepted: true,
      memory: false,
      synced: false,
      excuse: null,
      segment: base,
      late: false,
      copied: false,
      stored: false,
      answered: false,
      refused: false,
      letteredAt: null,
      retried: false,
      checkpointed: false,
    });
  }

  /**
   * After the run: all interrupted calls and spans whose interruption can be detected
   * must be closed.
   */
  judge(): void {
    const { ledger, past, setup, violate } = this.#context;
    if (past.crashed || setup.maxDiskBytes < 1e9) return;
    for (const { span: { id, isNoted }, origin } of ledger.spans.values()) {
      if (!isNoted || origin.troubled || past.unkept.has(origin.token)) continue;
      if (this.#hasEnd(id)) continue;
      violate("not-closed", `${id} of process ${origin.id}`);
    }
    if (!setup.closeInterrupted) return;
    const deleted = new Set(
      ledger.records.filter(({ kind }) => kind === "delete").map(({ call }) => call),
    );
    for (const { kind, call, accepted, stored, memory, origin, excuse } of ledger.records) {
      if (kind !== "start" || !accepted || !stored || memory || excuse !== null) continue;
      const owner = this.#processes.find((one) => one === origin);
      if (owner === undefined || owner.troubled || past.unkept.has(owner.token)) continue;
      if (!owner.step.wal || deleted.has(call)) continue;
      if (this.#hasEnd(call)) continue;
      violate("not-closed", `${call} of process ${owner.id}`);
    }
  }

  /**
   * Whether a call or span has an end. One that its process wrote as it was killed counts too: a
   * server stored it, or rejected it.
   */
  #hasEnd(id: string): boolean {
    const { ledger } = this.#context;
    const end = ledger.find(`${id}:end`);
    const isWritten = end !== undefined && (end.accepted || end.stored || end.letteredAt !== null);
    return isWritten || ledger.find(`${id}:cut`) !== undefined;
  }
}

/** Whether the end of a call, as a server receives it, was written by recovery. */
export function isCut({ exception }: { exception?: string }): boolean {
  return exception === INTERRUPTED;
}

/** Whether a record is the end of a call that recovery wrote. */
export function isCutRecord({ key }: SimRecord): boolean {
  return key.endsWith(":cut");
}
