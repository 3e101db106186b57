/**
 * `weave-wal dead-letters retry`: sends dead letters again.
 *
 * @module
 */

import type { RetryResult } from "../../delivery/dead_letters/resend_dead_letters.ts";
import type { Settings } from "../../client/settings/settings.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { commandClient } from "../flush/delivery_client.ts";
import { commandIds, type Context, throwIfStopped } from "../context.ts";
import type { IndexedDeadLetter } from "./index.ts";
import type { ChosenDeadLetter, DeadLetterSource } from "./source.ts";
import { EXIT } from "../exit_codes.ts";
import { plural, printable } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";

/** Options for sending dead letters again. */
export interface ResendJob {
  readonly settings: Settings;
  readonly timeoutMs: number | undefined;
  /** Whether the user named each dead letter: it is then sent, whichever server rejected it. */
  readonly named: boolean;
}

/** Options for a retry. */
export interface RetryJob extends ResendJob {
  readonly json: boolean;
}

/** Result of sending dead letters again. */
export interface Resent {
  /** Number of selected dead letters. */
  readonly chosen: number;
  readonly result: RetryResult;
  /** Number of dead letters that were skipped because they are for another server. */
  readonly others: number;
  /** Why the server was unreachable or rejected everything; `null` if it was not. */
  readonly trouble: string | null;
}

/** Maximum ms between two attempts while the user waits. */
const RETRY_MAX_MS = 10_000;

/** Sends dead letters again; resolves with the exit code. */
export async function retrySelected(
  context: Context,
  source: DeadLetterSource,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  job: RetryJob,
): Promise<number> {
  const { terminal: { out, err }, stop } = context;
  const resent = await resend(context, source, deadLetters, job, (message) => {
    err.write(`${err.colors.yellow(message)}\n`).catch(() => {});
  });
  const { chosen, result, others, trouble } = resent;
  if (job.json) {
    const value = { chosen, ...result, otherServers: others, lastError: trouble };
    await writeJson(out, `${JSON.stringify(value, null, 2)}\n`);
  } else {
    await out.write(resultText(resent));
  }
  throwIfStopped(stop);
  return result.delivered === chosen ? EXIT.ok : EXIT.failed;
}

/**
 * Sends dead letters again, until each has a response, the time is up or `stop` is aborted.
 *
 * @param onTrouble Called with a message if the server is unreachable.
 */
export async function resend(
  { runtime, stop }: Pick<Context, "runtime" | "stop">,
  source: DeadLetterSource,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  { settings, timeoutMs, named }: ResendJob,
  onTrouble: (message: string) => void,
): Promise<Resent> {
  const chosen: ChosenDeadLetter[] = [];
  let others = 0;
  for await (const deadLetter of deadLetters) {
    if (!named && !source.mayGoTo(settings.serverUrl, deadLetter)) {
      others++;
      continue;
    }
    const { directory, stem, id } = deadLetter;
    chosen.push({ directory, stem, id });
  }
  const newId = commandIds(runtime);
  const end = new AbortController();
  const abort = (): void => end.abort();
  stop.addEventListener("abort", abort);
  const timer = timeoutMs === undefined ? null : runtime.clock.after(timeoutMs, abort);
  let trouble: string | null = null;
  const deliveryClient = commandClient(
    runtime,
    { ...settings, retryMaxMs: Math.min(settings.retryMaxMs, RETRY_MAX_MS) },
    source.digestRoot,
    newId,
    {
      onState(state, reason) {
        if (state === "up") return;
        trouble = reason;
        if (state === "blocked") abort(); // The user must act first.
        else onTrouble(`Cannot deliver to ${settings.serverUrl}, trying again: ${reason}`);
      },
      onRetry: () => {},
      onSwitch: () => {},
    },
  );
  const hold = keepAlive(runtime);
  try {
    const result = await source.sendAgain(chosen, {
      deliveryClient,
      server: settings.serverUrl,
      anyServer: named,
      token: newId(),
      stop: end.signal,
    });
    return { chosen: chosen.length, result, others, trouble };
  } finally {
    hold();
    timer?.cancel();
    stop.removeEventListener("abort", abort);
    deliveryClient.stop();
  }
}

function resultText({ chosen, result, others, trouble }: Resent): string {
  const { delivered, refused, unreadable, busy, stopped } = result;
  const skipped = others === 0
    ? ""
    : `Not sent, for another server: ${others}; name them to send them to this one\n`;
  if (chosen === 0) return `No dead letters to send again\n${skipped}`;
  const left = chosen - delivered - refused - unreadable;
  const lines = [
    `Delivered ${delivered} of ${plural(chosen, "dead letter")}`,
    ...(refused > 0 ? [`Rejected again: ${refused}`] : []),
    ...(unreadable > 0 ? [`Not sent, not valid records: ${unreadable}`] : []),
    ...busy.map((directory) =>
      `Another process is retrying or dropping those of ${printable(directory)}`
    ),
    ...(stopped
      ? [`No response: ${left}${trouble === null ? "" : `; last error: ${trouble}`}`]
      : []),
  ];
  return `${lines.join("\n")}\n${skipped}`;
}

/** Keeps the process alive, since a pending promise does not. */
function keepAlive({ clock }: Runtime): () => void {
  let timer = clock.after(60_000, again, { ref: true });
  function again(): void {
    timer = clock.after(60_000, again, { ref: true });
  }
  return () => timer.cancel();
}
