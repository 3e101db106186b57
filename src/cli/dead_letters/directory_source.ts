/**
 * The dead letters below the root of all logs.
 *
 * @module
 */

import { mayGoTo, retryDeadLetters } from "../../delivery/dead_letters/retry_dead_letters.ts";
import type { RetryResult } from "../../delivery/dead_letters/resend_dead_letters.ts";
import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import {
  type DeadLetterEntry,
  isTornEntry,
  readDeadLetters,
} from "../../wal/dead_letters/dead_letter_reader.ts";
import { DeadLetterStore } from "../../wal/dead_letters/dead_letter_transaction.ts";
import { parseStem, segmentPaths } from "../../wal/segment/segment_name.ts";
import { findLogs } from "../logs/log_files.ts";
import { projectAt, type ProjectPath } from "../logs/projects.ts";
import { type DeadLetterPath, deadLetterPaths } from "./files.ts";
import { deadLetterId } from "./index.ts";
import type {
  ChosenDeadLetter,
  DeadLetterSource,
  DropResult,
  PlacedDeadLetter,
  SendAgainOptions,
} from "./source.ts";

/** Dead letter files. */
export class DirectoryDeadLetters implements DeadLetterSource {
  readonly digestRoot: string;
  readonly #runtime: Runtime;
  readonly #pythonRoot: string | undefined;

  /**
   * @param root Directory of all logs.
   * @param pythonRoot Directory of the Python SDK's logs, looked at beside it.
   */
  constructor(runtime: Runtime, root: string, pythonRoot: string | undefined) {
    this.digestRoot = root;
    this.#runtime = runtime;
    this.#pythonRoot = pythonRoot;
  }

  async *all(): AsyncGenerator<PlacedDeadLetter> {
    const { files, clock } = this.#runtime;
    const slices = new Slices(clock);
    const filter = this.#pythonRoot === undefined ? {} : { pythonRoot: this.#pythonRoot };
    const logs = await findLogs(this.#runtime, undefined, this.digestRoot, filter);
    for (const { stems, ...project } of logs) {
      for (const path of deadLetterPaths(files, project.directory, stems)) {
        if (slices.isOver) await slices.next();
        yield* this.#file(project, path);
      }
    }
  }

  mayGoTo(server: string, deadLetter: PlacedDeadLetter): boolean {
    return mayGoTo(this.#runtime, server, deadLetter.entry, deadLetter);
  }

  async find(directory: string, id: string): Promise<PlacedDeadLetter | null> {
    const stem = id.split(":")[0];
    if (parseStem(stem) === null) return null;
    const suffixes = new Set([".deadletter"]);
    const own = { directory, stem, paths: segmentPaths(directory, stem), suffixes };
    for (const path of deadLetterPaths(this.#runtime.files, directory, [own])) {
      if (path.stem !== stem) continue;
      for await (const found of this.#file(projectAt(this.#runtime, directory), path)) {
        if (found.id === id) return found;
      }
    }
    return null;
  }

  async bytes({ entry, quarantinePath }: PlacedDeadLetter, most: number): Promise<Uint8Array> {
    const { files } = this.#runtime;
    if (entry.quarantine === null) return entry.line.subarray(0, most);
    if (files.stat(quarantinePath) === null) return new Uint8Array(0);
    const bytes = new Uint8Array(Math.min(most, entry.quarantine.length));
    const file = files.openRead(quarantinePath);
    try {
      let done = 0;
      while (done < bytes.length) {
        const count = await file.read(entry.quarantine.offset + done, bytes.subarray(done));
        if (count === 0) break;
        done += count;
      }
      return bytes.subarray(0, done);
    } finally {
      file.close();
    }
  }

  async sendAgain(
    chosen: readonly ChosenDeadLetter[],
    options: SendAgainOptions,
  ): Promise<RetryResult> {
    const ids = new Set(chosen.map(({ id }) => id));
    return await retryDeadLetters({
      ...options,
      runtime: this.#runtime,
      directories: [...new Set(chosen.map(({ directory }) => directory))],
      select: (entry, { stem }) => ids.has(deadLetterId(stem, entry)),
    });
  }

  async drop(chosen: readonly ChosenDeadLetter[], token: string): Promise<DropResult> {
    const busy: string[] = [];
    let dropped = 0;
    for (const { directory, stem, ids } of byFile(chosen)) {
      const store = DeadLetterStore.claim(this.#runtime, directory, token);
      if (store === null) {
        busy.push(directory);
        continue;
      }
      try {
        dropped += await dropFrom(store, stem, ids);
      } finally {
        store.release();
      }
    }
    return { dropped, busy };
  }

  async *#file(
    project: ProjectPath,
    { path, stem, quarantine: quarantinePath }: DeadLetterPath,
  ): AsyncGenerator<PlacedDeadLetter> {
    const file = `${stem}.deadletter`;
    for await (const entry of this.#entries(path)) {
      const id = deadLetterId(stem, entry);
      yield { ...project, id, stem, file, quarantinePath, entry };
    }
  }

  async *#entries(path: string): AsyncGenerator<DeadLetterEntry> {
    try {
      for await (const entry of readDeadLetters(this.#runtime.files, path)) {
        if (!isTornEntry(entry)) yield entry;
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error; // Retried or dropped meanwhile.
    }
  }
}

interface ChosenFile {
  readonly directory: string;
  readonly stem: string;
  readonly ids: Set<string>;
}

function byFile(chosen: readonly ChosenDeadLetter[]): Iterable<ChosenFile> {
  const files = new Map<string, ChosenFile>();
  for (const { directory, stem, id } of chosen) {
    const key = `${directory}\0${stem}`;
    const file = files.get(key) ?? { directory, stem, ids: new Set() };
    file.ids.add(id);
    files.set(key, file);
  }
  return files.values();
}

async function dropFrom(
  store: DeadLetterStore,
  stem: string,
  ids: ReadonlySet<string>,
): Promise<number> {
  const transaction = await store.begin(stem);
  if (transaction === null) return 0;
  let dropped = 0;
  try {
    for await (const entry of transaction.entries()) {
      if (!ids.has(deadLetterId(stem, entry))) continue;
      transaction.remove([entry]);
      dropped++;
      store.heartbeat();
    }
  } finally {
    await transaction.rollback();
  }
  await store.dropQuarantine(stem);
  return dropped;
}
