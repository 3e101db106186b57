/**
 * The simulation's facts about every record, against which the log, the sender and the servers are
 * checked.
 *
 * @module
 */

import { MAX_MESSAGE_LENGTH } from "../../../src/wal/dead_letters/dead_letter_entry.ts";
import type { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import type { RecordKind, RecordText } from "../scenario/records.ts";
import type { SimSpan } from "../scenario/spans.ts";

/** A process of the library, as others see it. */
export interface ProcessView {
  /** Number in the order of starting. */
  readonly id: number;
  /** The token in the names of its segments and in its leases. */
  readonly token: string;
  readonly dead: boolean;
  /** It was stopped or its disk failed: others may rightly have presumed it dead. */
  readonly suspect: boolean;
  /** The disk failed it. */
  readonly troubled: boolean;
  /** Whether it may remove records that were not delivered, because the log is at its quota. */
  readonly mayDropOldest: boolean;
  /** Records that it removed for that reason. */
  removed: number;
  /** Lets something that it waited for happen to it: not while it is stopped, never once dead. */
  gate(run: () => void): void;
}

/** One record and what became of it. */
export interface SimRecord {
  /** `c7:start`, `c7:end`, `c7:cut`, `s7:end`, `s7:cut` or `r7`. */
  readonly key: string;
  readonly kind: RecordKind;
  readonly text: RecordText;
  /** Its line in a segment, the newline left out. */
  readonly line: string;
  /** The call, or the span whose start is noted, that it is or is about. */
  readonly call: string;
  readonly project: number;
  /** The server that it is for; `null` when any will do. */
  readonly server: number | null;
  /** Whether a server refuses it; can be fixed. */
  poison: boolean;
  /** The process that appended it; `null` for a foreign writer. */
  readonly origin: ProcessView | null;
  /** Number in the order of appending. */
  readonly order: number;
  /** Monotonic ms when it was appended. */
  readonly at: number;
  /** Whether `append` returned normally in a living process. */
  accepted: boolean;
  /** Whether it went to the memory log. */
  memory: boolean;
  /** Whether a promise was given that it survives a machine crash. */
  synced: boolean;
  /** Why its loss would be no mistake. */
  excuse: string | null;
  /** The segment that it was written to; the last one, when there are several. */
  segment: string | null;
  /** Whether it is a start that a thread of a foreign writer writes after later records. */
  late: boolean;
  /** Whether it was written to another one before, which had been taken from its writer. */
  copied: boolean;
  /** A server did its work. */
  stored: boolean;
  /** A sender saw a server's 2xx. */
  answered: boolean;
  /** A server refused it for good in a request that held nothing else. */
  refused: boolean;
  /** It is in a dead letter file; the number of the first request made after that. */
  letteredAt: number | null;
  /** Whether it was there when dead letters were sent again. */
  retried: boolean;
  /** A checkpoint on disk is past it. */
  checkpointed: boolean;
}

/** A span whose start is noted, the process that began it, and the server that it is for. */
export interface BegunSpan {
  readonly span: SimSpan;
  readonly origin: ProcessView;
  readonly server: number;
}

/**
 * Whether a process may drain the segment at `base`: it wrote the segment and no other process fenced
 * it, or it holds the recovery lease for it.
 */
export function mayDrain(ledger: Ledger, base: string, token: string): boolean {
  if (base.endsWith(token) && ledger.bytes(`${base}.fence`) === null) return true;
  const directory = `${base.slice(0, base.lastIndexOf("/"))}/.recovery`;
  const writer = base.slice(-32);
  // The name of a segment of another kind of writer tells no server.
  const lease = writer[12] === "8" ? writer.slice(-8) : "shared";
  const newest = new Map<string, number>();
  for (const { name } of ledger.list(directory)) {
    const [prefix, epoch] = name.split(".");
    if (!prefix.startsWith(lease) || !/^\d+$/.test(epoch)) continue;
    newest.set(prefix, Math.max(newest.get(prefix) ?? 0, Number(epoch)));
  }
  return [...newest].some(([prefix, epoch]) =>
    ledger.read(`${directory}/${prefix}.${epoch}`)?.includes(`"${token}"`)
  );
}

/** An entry of a dead letter file. */
export interface DeadLetter {
  readonly offset: number;
  readonly reason: string;
  readonly status?: number;
  readonly message?: string;
  readonly type: string;
  /** The request's text in the file; absent for bytes that are not a record. */
  readonly request?: string;
  readonly quarantine?: { readonly offset: number; readonly length: number };
}

const DEAD_LETTER = /^\{"type":"(\w+)","req":(\{.*\}),"error":(\{.*?\})\}$/s;
const decoder = new TextDecoder();

/** All records of a run. */
export class Ledger {
  readonly records: SimRecord[] = [];
  /** Spans whose starts are noted, by their ids. */
  readonly spans: Map<string, BegunSpan> = new Map();
  /** Processes that send dead letters of a project again: records that are dead-lettered meanwhile are included. */
  readonly retries: Set<{ readonly process: ProcessView; readonly project: number }> = new Set();
  readonly #byKey = new Map<string, SimRecord>();
  readonly #byLine = new Map<string, SimRecord>();
  readonly #disk: MemoryDisk;

  /** @param disk Where the logs are. */
  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  /** Takes a record in. */
  add(record: SimRecord): void {
    this.records.push(record);
    this.#byKey.set(record.key, record);
    this.#byLine.set(record.line, record);
  }

  /** The record with this key. */
  find(key: string): SimRecord | undefined {
    return this.#byKey.get(key);
  }

  /** The record with this line. */
  findLine(line: string): SimRecord | undefined {
    return this.#byLine.get(line);
  }

  /** Notes which records `text` holds that were in another segment: a log writes lost ones again. */
  noteCopies(segment: string, text: string): void {
    for (const line of text.split("\n").slice(0, -1)) {
      const record = this.findLine(line);
      if (!record?.segment || record.segment === segment) continue;
      record.copied = true;
      record.segment = segment;
    }
  }

  /** A file's text as programs see it now; `null` when there is none. */
  read(path: string): string | null {
    const bytes = this.bytes(path);
    return bytes === null ? null : decoder.decode(bytes);
  }

  /** A file's bytes as programs see them now. */
  bytes(path: string): Uint8Array | null {
    try {
      return this.#disk.node(path, "look").content.view;
    } catch {
      return null;
    }
  }

  /** Names in a directory with whether each is one itself; none when it is not there. */
  list(path: string): { name: string; isDirectory: boolean }[] {
    try {
      return [...this.#disk.node(path, "look").entries]
        .map(([name, { kind }]) => ({ name, isDirectory: kind === "directory" }));
    } catch {
      return [];
    }
  }

  /** Every file below a directory. */
  files(path: string): string[] {
    return this.list(path).flatMap(({ name, isDirectory }) =>
      isDirectory ? this.files(`${path}/${name}`) : [`${path}/${name}`]
    );
  }

  /**
   * The entries of the dead letter file at `path`, and what in it is none.
   *
   * @returns `broken`: lines that cannot be read, whether or not they end.
   */
  deadLetters(path: string): { deadLetters: DeadLetter[]; broken: string[] } {
    const deadLetters: DeadLetter[] = [];
    const broken: string[] = [];
    for (const line of (this.read(path) ?? "").split("\n")) {
      if (line === "") continue;
      const deadLetter = readDeadLetter(line);
      if (deadLetter) deadLetters.push(deadLetter);
      else broken.push(line);
    }
    return { deadLetters, broken };
  }

  /** Marks the records that are in the dead letter file at `path`. */
  noteDeadLetters(path: string, request: number): void {
    for (const deadLetter of this.deadLetters(path).deadLetters) {
      const record = this.ofDeadLetter(deadLetter);
      if (!record) continue;
      record.letteredAt ??= request;
      for (const { process, project } of this.retries) {
        if (project === record.project && !process.dead) record.retried = true;
      }
    }
  }

  /** The record that a dead letter holds. */
  ofDeadLetter({ type, request }: DeadLetter): SimRecord | undefined {
    return request === undefined
      ? undefined
      : this.findLine(`{"type":"${type}","req":${request}}`) ??
        this.findLine(`{"type": "${type}", "req": ${request}}`);
  }
}

function readDeadLetter(line: string): DeadLetter | null {
  try {
    const value = JSON.parse(line) as {
      type: string;
      error: Omit<DeadLetter, "type">;
      quarantine?: DeadLetter["quarantine"];
    };
    const { offset, reason, status, message } = value.error;
    if (message !== undefined && message.length > MAX_MESSAGE_LENGTH) return null;
    const request = DEAD_LETTER.exec(line)?.[2];
    const base = {
      offset,
      reason,
      status,
      message,
      type: value.type,
      quarantine: value.quarantine,
    };
    return request === undefined ? base : { ...base, request };
  } catch {
    return null;
  }
}
