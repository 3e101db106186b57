/**
 * `weave-wal dead-letters retry`: sends dead letters again.
 *
 * @module
 */

import { mayGoTo, retryDeadLetters, type RetryResult } from "../../delivery/retry_dead_letters.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { commandDeliverer } from "../flush/delivery_client.ts";
import { commandIds, type Context, throwIfStopped } from "../context.ts";
import { deadLetterId, type IndexedDeadLetter } from "./index.ts";
import { EXIT } from "../exit_codes.ts";
import { plural, printable } from "../terminal/format.ts";

/** Options of a retry. */
export interface RetryJob {
  readonly settings: Settings;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
  /** Whether the user named each dead letter: they are then sent to this server in any case. */
  readonly named: boolean;
}

/** Maximum ms between two attempts while the user waits. */
const RETRY_MAX_MS = 10_000;

/** Sends dead letters again; resolves with the exit code. */
export async function retrySelected(
  context: Context,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  { settings, timeoutMs, json, named }: RetryJob,
): Promise<number> {
  const { runtime, terminal: { out, err }, stop } = context;
  const ids = new Set<string>();
  const directories = new Set<string>();
  let others = 0;
  for await (const deadLetter of deadLetters) {
    const { id, directory, entry } = deadLetter;
    if (!named && !mayGoTo(runtime, settings.serverUrl, entry, deadLetter)) {
      others++;
      continue;
    }
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
    err.write(`${err.colors.yellow(message)}\n`).catch(() => {});
  };
  const deliverer = commandDeliverer(
    runtime,
    { ...settings, retryMaxMs: Math.min(settings.retryMaxMs, RETRY_MAX_MS) },
    newId,
    {
      onState(state, reason) {
        if (state === "up") return;
        trouble = reason;
        if (state === "blocked") abort(); // The user has to act first.
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
      anyServer: named,
      token: newId(),
      directories: [...directories],
      select: (entry, { stem }) => ids.has(deadLetterId(stem, entry)),
      stop: end.signal,
    });
  } finally {
    hold();
    timer?.cancel();
    deliverer.stop();
  }
  if (json) {
    const value = { chosen: ids.size, ...result, otherServers: others, lastError: trouble };
    await out.write(`${JSON.stringify(value, null, 2)}\n`);
  } else {
    await out.write(resultText(ids.size, result, others, trouble));
  }
  throwIfStopped(stop);
  return result.delivered === ids.size ? EXIT.ok : EXIT.failed;
}

function resultText(
  chosen: number,
  result: RetryResult,
  others: number,
  trouble: string | null,
): string {
  const { delivered, refused, unreadable, busy, stopped } = result;
  const skipped = others === 0
    ? ""
    : `Left alone, they are for another server: ${others}; name them to send them to this one\n`;
  if (chosen === 0) return `No dead letters to send again\n${skipped}`;
  const left = chosen - delivered - refused - unreadable;
  const lines = [
    `Delivered ${delivered} of ${plural(chosen, "dead letter")}`,
    ...(refused > 0 ? [`Refused again: ${refused}`] : []),
    ...(unreadable > 0 ? [`Not sent, they hold no record: ${unreadable}`] : []),
    ...busy.map((directory) => `Another process holds those of ${printable(directory)}`),
    ...(stopped ? [`Not answered: ${left}${trouble === null ? "" : `; last: ${trouble}`}`] : []),
  ];
  return `${lines.join("\n")}\n${skipped}`;
}

/** A pending promise does not keep a process alive. */
function keepAlive({ runtime: { clock } }: Context): () => void {
  let timer = clock.after(60_000, again, { ref: true });
  function again(): void {
    timer = clock.after(60_000, again, { ref: true });
  }
  return () => timer.cancel();
}
