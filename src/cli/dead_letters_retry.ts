/**
 * `weave-wal dead-letters retry`: sends dead letters again.
 *
 * @module
 */

import { retryDeadLetters, type RetryResult } from "../delivery/retry_dead_letters.ts";
import type { Settings } from "../client/settings.ts";
import { commandDeliverer } from "./command_deliverer.ts";
import { commandIds, type Context, throwIfStopped } from "./context.ts";
import { type IndexedLetter, letterId } from "./dead_letter_index.ts";
import { EXIT } from "./exit.ts";
import { plural, printable } from "./format.ts";

/** How a retry goes. */
export interface RetryJob {
  readonly settings: Settings;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
}

/** Most ms between two attempts while somebody waits. */
const RETRY_MAX_MS = 10_000;

/** Sends dead letters again; resolves with the exit code. */
export async function retryLetters(
  context: Context,
  letters: AsyncIterable<IndexedLetter>,
  { settings, timeoutMs, json }: RetryJob,
): Promise<number> {
  const { runtime, terminal: { out, err }, stop } = context;
  const ids = new Set<string>();
  const directories = new Set<string>();
  for await (const { id, directory } of letters) {
    ids.add(id);
    directories.add(directory);
  }
  const newId = commandIds(runtime);
  const end = new AbortController();
  const abort = (): void => end.abort();
  stop.addEventListener("abort", abort);
  const timer = timeoutMs === undefined ? null : runtime.clock.after(timeoutMs, abort);
  let trouble: string | null = null;
  const tell = (message: string): void => {
    err.write(`${err.colours.yellow(message)}\n`).catch(() => {});
  };
  const deliverer = commandDeliverer(
    runtime,
    { ...settings, retryMaxMs: Math.min(settings.retryMaxMs, RETRY_MAX_MS) },
    newId,
    {
      onState(state, reason) {
        if (state === "up") return;
        trouble = reason;
        if (state === "held") abort(); // Somebody has to act first.
        else tell(`Cannot deliver to ${settings.serverUrl}, trying again: ${reason}`);
      },
      onRetry: () => {},
      onSwitch: () => {},
    },
  );
  const hold = keepAlive(context);
  let result: RetryResult;
  try {
    result = await retryDeadLetters({
      runtime,
      deliverer,
      server: settings.serverUrl,
      token: newId(),
      directories: [...directories],
      select: (entry, { stem }) => ids.has(letterId(stem, entry)),
      stop: end.signal,
    });
  } finally {
    hold();
    timer?.cancel();
    deliverer.stop();
  }
  if (json) {
    const value = { chosen: ids.size, ...result, lastError: trouble };
    await out.write(`${JSON.stringify(value, null, 2)}\n`);
  } else {
    await out.write(resultText(ids.size, result, trouble));
  }
  throwIfStopped(stop);
  return result.delivered === ids.size ? EXIT.ok : EXIT.failed;
}

function resultText(chosen: number, result: RetryResult, trouble: string | null): string {
  const { delivered, refused, unreadable, busy, stopped } = result;
  if (chosen === 0) return "No dead letters to send again\n";
  const left = chosen - delivered - refused - unreadable;
  const lines = [
    `Delivered ${delivered} of ${plural(chosen, "dead letter")}`,
    ...(refused > 0 ? [`Refused again: ${refused}`] : []),
    ...(unreadable > 0 ? [`Not sent, they hold no record: ${unreadable}`] : []),
    ...busy.map((directory) => `Another process holds those of ${printable(directory)}`),
    ...(stopped ? [`Not answered: ${left}${trouble === null ? "" : `; last: ${trouble}`}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** A promise alone does not keep a program alive. */
function keepAlive({ runtime: { clock } }: Context): () => void {
  let timer = clock.after(60_000, again, { ref: true });
  function again(): void {
    timer = clock.after(60_000, again, { ref: true });
  }
  return () => timer.cancel();
}
