/**
 * `weave-wal dead-letters drop`: permanently deletes dead letters.
 *
 * @module
 */

import { commandIds, type Context, throwIfStopped } from "../context.ts";
import { CommandError, EXIT } from "../exit_codes.ts";
import { plural, printable } from "../terminal/format.ts";
import type { IndexedDeadLetter } from "./index.ts";
import type { ChosenDeadLetter, DeadLetterSource } from "./source.ts";

/** Deletes dead letters after confirmation; resolves with the exit code. */
export async function dropDeadLetters(
  context: Context,
  source: DeadLetterSource,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  yes: boolean,
): Promise<number> {
  const { terminal: { out, err, ask }, stop } = context;
  const chosen: ChosenDeadLetter[] = [];
  for await (const { directory, stem, id } of deadLetters) chosen.push({ directory, stem, id });
  const count = chosen.length;
  if (count === 0) {
    await out.write("No dead letters\n");
    return EXIT.ok;
  }
  if (!yes) {
    const answer = await ask(`Permanently delete ${plural(count, "dead letter")}? [y/N] `, stop)
      .catch((error) => {
        throwIfStopped(stop);
        throw error;
      });
    if (answer === null) {
      throw new CommandError(
        `Cannot ask for confirmation to drop ${
          plural(count, "dead letter")
        }: standard input is not a terminal`,
        {
          hint: "--yes drops them without confirmation",
        },
      );
    }
    if (!/^y(es)?$/i.test(answer.trim())) {
      await out.write("Nothing dropped\n");
      return EXIT.failed;
    }
  }
  const { dropped, busy } = await source.drop(chosen, commandIds(context.runtime)());
  for (const place of busy) {
    await err.write(`Another process holds the dead letters of ${printable(place)}\n`);
  }
  await out.write(`Dropped ${plural(dropped, "dead letter")}\n`);
  return busy.length > 0 ? EXIT.failed : EXIT.ok;
}
