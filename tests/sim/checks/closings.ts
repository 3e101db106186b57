/**
 * Looks at every closing of calls that were cut off as it happens, and for those that are missing.
 *
 * @module
 */

import { INTERRUPTED } from "../../../src/wal/open_calls/open_calls.ts";
import type { RecordText } from "../scenario/records.ts";
import type { SimContext } from "../world/context.ts";
import type { SimRecord } from "../world/ledger.ts";
import type { SimProcess } from "../process/process.ts";

const CLOSING = /^(.*_([0-9a-f]{32}))\.jsonl$/;
const END =
  /^\{"end":\{("project_id":"[^"]*","id":"([^"]*)"),("trace_id":"[^"]*","started_at":"([^"]*)"),("ended_at":"([^"]*)",.*)\}\}$/;

/** Judges closings. */
export class Closings {
  readonly #context: SimContext;
  readonly #processes: readonly SimProcess[];

  /** @param processes All that ever were; more may come. */
  constructor(context: SimContext, processes: readonly SimProcess[]) {
    this.#context = context;
    this.#processes = processes;
  }

  /** A file got a new name. */
  afterRename(from: string, to: string): void {
    if (!from.endsWith(".closing")) return;
    const [, base, token] = CLOSING.exec(to)!;
    const owner = this.#processes.find((one) => one.token === token);
    if (owner === undefined) return;
    const { violate } = this.#context;
    const isRunning = !owner.dead && !owner.finishing;
    if (isRunning && !owner.suspect) violate("closed-alive", `calls of process ${owner.id}`);
    for (const line of (this.#context.ledger.read(to) ?? "").split("\n")) {
      if (line !== "") this.#closed(owner, base, line);
    }
  }

  #closed(owner: SimProcess, base: string, line: string): void {
    const { ledger, violate, past, clock } = this.#context;
    const request = line.slice('{"type":"call_end","req":'.length, -1);
    const [, head, call, , startedAt, rest, endedAt] = END.exec(request)!;
    const key = `${call}:cut`;
    const start = ledger.find(`${call}:start`);
    const end = ledger.find(`${call}:end`);
    const isSure = !past.crashed && !owner.troubled;
    if (isSure && ledger.find(key)) violate("closed-twice", `${call} of process ${owner.id}`);
    if (start?.origin !== owner) violate("closed-twice", `${call} is not of process ${owner.id}`);
    if (isSure && end?.accepted && !end.memory && end.excuse === null && owner.dead) {
      violate("closed-twice", `${call} of process ${owner.id}, which had ended it`);
    }
    const at = new Date(owner.lastHeartbeat).toISOString().replace("Z", "000Z");
    if (isSure && endedAt !== (at > startedAt ? at : startedAt)) {
      violate("closed-time", `${call}: ${endedAt}, and its process was last heard of at ${at}`);
    }
    if (end) end.excuse ??= "closed";
    const bare = `{"end":{${head},${rest}}}`;
    const text: RecordText = {
      type: "call_end",
      request,
      v1: `{"mode":"end","req":${bare}}`,
      bodies: [request],
      half: rest,
    };
    ledger.add({
      key,
      kind: "end",
      text,
      line,
      call,
      project: owner.step.project,
      server: owner.step.server,
      poison: false,
      origin: owner,
      order: start?.order ?? 0,
      at: clock.monotonic(),
      accepted: true,
      memory: false,
      synced: false,
      excuse: null,
      segment: base,
      copied: false,
      stored: false,
      answered: false,
      refused: false,
      letteredAt: null,
      retried: false,
      checkpointed: false,
    });
  }

  /** Everything is over: all calls that were cut off and can be known are closed. */
  judge(): void {
    const { ledger, past, setup, violate } = this.#context;
    if (!setup.closeInterrupted || past.crashed || setup.maxDiskBytes < 1e9) return;
    const deleted = new Set(
      ledger.records.filter(({ kind }) => kind === "delete").map(({ call }) => call),
    );
    for (const { kind, call, accepted, stored, memory, origin, excuse } of ledger.records) {
      if (kind !== "start" || !accepted || !stored || memory || excuse !== null) continue;
      const owner = this.#processes.find((one) => one === origin);
      if (owner === undefined || owner.troubled || !owner.step.wal || deleted.has(call)) continue;
      const end = ledger.find(`${call}:end`);
      if (end?.accepted || end?.stored || ledger.find(`${call}:cut`)) continue;
      violate("not-closed", `${call} of process ${owner.id}`);
    }
  }
}

/** Whether the end of a call, as a server gets it, is one that recovery made. */
export function isCut({ exception }: { exception?: string }): boolean {
  return exception === INTERRUPTED;
}

/** Whether a record is the end of a call that recovery made. */
export function isCutRecord({ key }: SimRecord): boolean {
  return key.endsWith(":cut");
}
