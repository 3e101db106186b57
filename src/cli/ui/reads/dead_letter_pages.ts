/**
 * Serves dead letters: as pages, individually, and all of them as a file.
 *
 * @module
 */

import type { Clock } from "../../../runtime/runtime.ts";
import type { DeadLetterEntry } from "../../../wal/dead_letters/dead_letter_reader.ts";
import { type IndexedDeadLetter, readIndex } from "../../dead_letters/index.ts";
import { exportLine } from "../../dead_letters/show.ts";
import type { DeadLetterFilter, DeadLetterSource } from "../../dead_letters/source.ts";
import { factsOf } from "../../inspect/record_facts.ts";
import type { LogFilter } from "../../logs/projects.ts";
import { MAX_RECORD_BYTES } from "../../../wal/record/record.ts";
import type {
  DeadLetterDetail,
  DeadLetterPage,
  DeadLetterSelection,
  DeadLetterView,
} from "../api_types.ts";
import { fieldView } from "./call_fields.ts";
import { PagedReads } from "./paged_reads.ts";

/** Number of dead letters on a page. */
const PAGE_SIZE = 50;
/** Maximum characters of a server's message in a list. */
const MAX_MESSAGE = 2_000;

/** Reads dead letters. */
export class DeadLetterPages {
  readonly #source: DeadLetterSource;
  readonly #filter: LogFilter;
  readonly #reads: PagedReads<IndexedDeadLetter>;

  /** @param newId Creates the IDs of lists. */
  constructor(clock: Clock, source: DeadLetterSource, filter: LogFilter, newId: () => string) {
    this.#source = source;
    this.#filter = filter;
    this.#reads = new PagedReads(clock, newId);
  }

  /** Reads the selected dead letters, one at a time; ignores IDs without a dead letter. */
  async *select({ ids, ...selection }: DeadLetterSelection): AsyncGenerator<IndexedDeadLetter> {
    const { reason, entity, project } = selection;
    const filter: DeadLetterFilter = {
      ...this.#filter,
      ...(entity === undefined ? {} : { entity }),
      ...(project === undefined ? {} : { project }),
      ...(reason === undefined ? {} : { reasons: [reason] }),
      names: [],
    };
    const wanted = ids && new Set(ids);
    let left = wanted?.size ?? Infinity;
    if (left === 0) return;
    for await (const deadLetter of readIndex(this.#source, filter)) {
      if (wanted && !wanted.has(deadLetter.id)) continue;
      yield deadLetter;
      if (--left === 0) return;
    }
  }

  /** Starts a list; returns its ID. */
  begin(selection: DeadLetterSelection): string {
    return this.#reads.begin(this.select(selection));
  }

  /** Reads the next page of a list; returns `null` if the list is closed. */
  async page(id: string): Promise<DeadLetterPage | null> {
    const deadLetters: DeadLetterView[] = [];
    while (deadLetters.length < PAGE_SIZE) {
      const next = await this.#reads.next(id);
      if (next === null && deadLetters.length === 0) return null;
      if (next === null || next.done) return { deadLetters, next: null };
      deadLetters.push(view(next.value));
    }
    return { deadLetters, next: id };
  }

  /** Reads one dead letter; returns `null` if it was sent or dropped. */
  async detail(directory: string, id: string, from: number): Promise<DeadLetterDetail | null> {
    const found = await this.#source.find(directory, id);
    if (found === null) return null;
    const { request } = found.entry;
    const bytes = request ?? await this.#source.bytes(found, MAX_RECORD_BYTES);
    return { field: fieldView(request === null ? "bytes" : "request", bytes, from, id) };
  }

  /** Returns dead letters as JSON lines, read while they are sent. */
  export(selection: DeadLetterSelection): ReadableStream<Uint8Array> {
    const source = this.#source;
    const selected = this.select(selection);
    const encoder = new TextEncoder();
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await selected.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(await exportLine(source, value)));
      },
      async cancel() {
        await selected.return(undefined);
      },
    });
  }

  /** Closes all lists. */
  close(): void {
    this.#reads.closeAll();
  }
}

function view({ id, entity, project, directory, entry }: IndexedDeadLetter): DeadLetterView {
  const { error, type, request, length } = entry;
  const { reason, status, message = "", at, server, retries = 0 } = error;
  return {
    id,
    directory,
    entity,
    project,
    type: type ?? "unreadable",
    reason,
    status: status ?? null,
    message: message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`,
    at: at ?? null,
    server: server ?? null,
    retries,
    bytes: request?.length ?? error.length ?? length,
    about: about(entry),
  };
}

function about({ type, request }: DeadLetterEntry): string {
  if (type === null || request === null) return "";
  const { displayName, op, callId } = factsOf(request, { type, start: 0, end: request.length });
  return (displayName ?? op ?? callId ?? "").slice(0, 300);
}
