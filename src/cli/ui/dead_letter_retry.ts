/**
 * Retries dead letters in the background, one selection at a time.
 *
 * @module
 */

import type { Settings } from "../../client/settings/settings.ts";
import type { Context } from "../context.ts";
import type { IndexedDeadLetter } from "../dead_letters/index.ts";
import type { DeadLetterSource } from "../dead_letters/source.ts";
import { resend, type Resent } from "../dead_letters/retry.ts";
import { endingOf } from "../exit_codes.ts";
import { plural } from "../terminal/format.ts";
import type { RetryView } from "./api_types.ts";

/** Timeout in ms of a retry. */
const TIMEOUT_MS = 120_000;

/** Retries dead letters. */
export class DeadLetterRetry {
  readonly #context: Pick<Context, "runtime" | "stop">;
  readonly #source: DeadLetterSource;
  readonly #settings: () => Settings;
  #view: RetryView | null = null;
  #running: Promise<void> | null = null;

  /** @param settings Resolves the settings with the API key; throws if there is none. */
  constructor(
    context: Pick<Context, "runtime" | "stop">,
    source: DeadLetterSource,
    settings: () => Settings,
  ) {
    this.#context = context;
    this.#source = source;
    this.#settings = settings;
  }

  /** Progress of the last retry; `null` before the first. */
  get view(): RetryView | null {
    return this.#view;
  }

  /** Starts a retry; returns `false` if another one is in progress. */
  begin(deadLetters: AsyncIterable<IndexedDeadLetter>): boolean {
    if (this.#running !== null) return false;
    this.#view = { state: "running", message: "Sending dead letters again" };
    this.#running = this.#run(deadLetters).finally(() => this.#running = null);
    return true;
  }

  /** Resolves when no retry is in progress. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(deadLetters: AsyncIterable<IndexedDeadLetter>): Promise<void> {
    try {
      const settings = this.#settings();
      const job = { settings, timeoutMs: TIMEOUT_MS, named: false };
      const resent = await resend(this.#context, this.#source, deadLetters, job, (message) => {
        this.#view = { state: "running", message };
      });
      this.#view = resultOf(resent, settings.serverUrl);
    } catch (error) {
      const { message = "The command is ending", hint } = endingOf(error);
      this.#view = {
        state: "failed",
        message: hint === undefined ? message : `${message}. ${hint}`,
      };
    }
  }
}

function resultOf({ chosen, result, others, trouble }: Resent, server: string): RetryView {
  const { delivered, refused, unreadable, busy, stopped } = result;
  const left = chosen - delivered - refused - unreadable;
  const parts = [
    chosen === 0
      ? "No dead letters to send again"
      : `${server} took ${delivered} of ${plural(chosen, "dead letter")}`,
    refused === 0 ? "" : `rejected again: ${refused}`,
    unreadable === 0 ? "" : `not sent, not valid records: ${unreadable}`,
    busy.length === 0 ? "" : "another process is sending some of them",
    stopped && left > 0 ? `no answer for ${left}${trouble === null ? "" : `: ${trouble}`}` : "",
    others === 0
      ? ""
      : `${others} are for another server: start weave-wal ui with its --server to send them`,
  ];
  return {
    state: delivered === chosen ? "done" : "failed",
    message: parts.filter((part) => part !== "").join("; "),
  };
}
