/**
 * `weave-wal dead-letters drop`: gives dead letters up, for good.
 *
 * @module
 */

import { DeadLetterStore } from "../../wal/dead_letters/dead_letter_transaction.ts";
import { commandIds, type Context, throwIfStopped } from "../context.ts";
import { deadLetterId, type IndexedDeadLetter } from "./index.ts";
import { CommandError, EXIT } from "../exit_codes.ts";
import { plural, printable } from "../terminal/format.ts";

/** Drops dead letters after asking; resolves with the exit code. */
export async function dropDeadLetters(
  context: Context,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  yes: boolean,
): Promise<number> {
  const { terminal: { out, err, ask }, stop } = context;
  /** Ids by the stems and directories that hold them. */
  const chosen = new Map<string, { directory: string; stem: string; ids: Set<string> }>();
  let count = 0;
  for await (const { directory, stem, id } of deadLetters) {
    const place = chosen.get(`${directory}\0${stem}`) ?? { directory, stem, ids: new Set() };
    place.ids.add(id);
    chosen.set(`${directory}\0${stem}`, place);
    count++;
  }
  if (count === 0) {
    await out.write("No dead letters\n");
    return EXIT.ok;
  }
  if (!yes) {
    const answer = await ask(`Drop ${plural(count, "dead letter")} for good? [y/N] `, stop)
      .catch((error) => {
        throwIfStopped(stop);
        throw error;
      });
    if (answer === null) {
      throw new CommandError(`Cannot ask whether to drop ${plural(count, "dead letter")}`, {
        hint: "Nobody is at the terminal; --yes drops without asking",
      });
    }
    if (!/^y(es)?$/i.test(answer.trim())) {
      await out.write("Nothing dropped\n");
      return EXIT.failed;
    }
  }
  const token = commandIds(context.runtime)();
  let dropped = 0;
  let isBusy = false;
  for (const { directory, stem, ids } of chosen.values()) {
    const store = DeadLetterStore.claim(context.runtime, directory, token);
    if (store === null) {
      isBusy = true;
      await err.write(`Another process holds the dead letters of ${printable(directory)}\n`);
      continue;
    }
    try {
      dropped += await dropFrom(store, stem, ids);
    } finally {
      store.release();
    }
  }
  await out.write(`Dropped ${plural(dropped, "dead letter")}\n`);
  return isBusy ? EXIT.failed : EXIT.ok;
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
