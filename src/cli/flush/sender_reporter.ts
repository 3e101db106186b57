/**
 * Reports a sender's events, its progress and the state of the server.
 *
 * @module
 */

import { messageOf } from "../../errors.ts";
import { StateThrottle } from "../../client/pipeline/status/state_throttle.ts";
import type { ServerState } from "../../delivery/http/circuit_breaker.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { SenderReport } from "../../wal/processes/presence_state.ts";
import { formatDuration, plural } from "../terminal/format.ts";

/** Minimum ms between two reports of the same error. */
const REPORT_AGAIN_MS = 300_000;

/** An event of a sender. */
export interface SenderEvent {
  readonly level: "info" | "warn" | "error";
  /** Stable name, for programs. */
  readonly name: string;
  /** One sentence for people. Never contains the key or traced data. */
  readonly message: string;
}

/** Returns the event of a sender that stops because of `reason`, such as a signal. */
export function stoppingEvent(reason: string, graceMs: number): SenderEvent {
  return {
    level: "info",
    name: "stopping",
    message: `Ending on ${reason}: sending pending records for at most ${formatDuration(graceMs)}`,
  };
}

/** Options for {@linkcode SenderReporter}. */
export interface SenderReporterOptions {
  readonly clock: Clock;
  /** Base URL of the trace server. */
  readonly server: string;
  /** Resolves with a sentence on undelivered records: how many there are, and where they are safe. */
  readonly pending: () => Promise<string>;
  readonly onEvent: (event: SenderEvent) => void;
}

/** Records what a sender does, and reports it. */
export class SenderReporter {
  readonly #options: SenderReporterOptions;
  /** Time of the last report of each error, by message, on the monotonic clock. */
  readonly #reportedAt = new Map<string, number>();
  readonly #throttle: StateThrottle<SenderReport["state"]>;
  #report: SenderReport;

  /** Creates a reporter for a sender that has not started. */
  constructor(options: SenderReporterOptions) {
    const { clock, server } = options;
    this.#options = options;
    this.#throttle = new StateThrottle(clock, "up", Infinity);
    this.#report = {
      server,
      state: "up",
      reason: "",
      since: clock.now(),
      nextAttempt: null,
      delivered: 0,
      deadLettered: 0,
      lastDelivery: null,
      lastError: null,
    };
  }

  /**
   * Returns progress and state.
   *
   * @param msToNextAttempt `null` while the server is up.
   */
  report(msToNextAttempt: number | null): SenderReport {
    const { clock } = this.#options;
    const nextAttempt = msToNextAttempt === null ? null : clock.now() + msToNextAttempt;
    return { ...this.#report, nextAttempt };
  }

  /**
   * Records an error of the log, and reports it at limited frequency.
   *
   * @param name Name of the event.
   */
  trouble(what: string, error: unknown, name = "disk-error"): void {
    const { clock, onEvent } = this.#options;
    const why = messageOf(error);
    const message = `Error (${what}): ${why}`;
    this.failed(message);
    const now = clock.monotonic();
    for (const [message, at] of this.#reportedAt) {
      if (now - at >= REPORT_AGAIN_MS) this.#reportedAt.delete(message);
    }
    if (this.#reportedAt.has(why)) return;
    this.#reportedAt.set(why, now);
    onEvent({ level: "warn", name, message });
  }

  /** Records a change of the server's state. */
  stateChanged(state: ServerState, reason: string): void {
    const { clock, server, onEvent } = this.#options;
    this.#report = { ...this.#report, state, reason, since: clock.now() };
    // The report contains every change; events are limited.
    if (!this.#throttle.changed(state)) return;
    if (state === "up") {
      onEvent({ level: "info", name: "server-up", message: `${server} accepts requests again` });
    } else void this.#reportOutage(state, reason);
  }

  async #reportOutage(state: "down" | "blocked", reason: string): Promise<void> {
    const { server, pending, onEvent } = this.#options;
    const left = await pending().catch(() => "The number of pending records is unknown");
    if (this.#report.state !== state) return;
    if (state === "down") {
      const message = `Cannot deliver to ${server}, trying again: ${reason}. ${left}`;
      onEvent({ level: "warn", name: "server-down", message });
    } else {
      const message = `Cannot deliver to ${server} until this is fixed: ${reason}. ${left}`;
      onEvent({ level: "error", name: "server-blocked", message });
    }
  }

  /** Records a failed attempt. */
  failed(message: string): void {
    this.#report = {
      ...this.#report,
      lastError: { message, at: this.#options.clock.now() },
    };
  }

  /** Records delivered and dead-lettered records. */
  progressed(delivered: number, deadLettered: number): void {
    const { clock, onEvent } = this.#options;
    this.#report = {
      ...this.#report,
      delivered: this.#report.delivered + delivered,
      deadLettered: this.#report.deadLettered + deadLettered,
      ...(delivered > 0 ? { lastDelivery: clock.now() } : {}),
    };
    if (deadLettered > 0) {
      const message = `Rejected, kept as dead letters: ${plural(deadLettered, "record")}; ` +
        "see weave-wal dead-letters list";
      onEvent({ level: "error", name: "dead-letters", message });
    }
  }

  /** Reports a switch to another calls API. */
  switched(to: string, reason: string): void {
    const message = `Calls go ${to} now: ${reason}`;
    this.#options.onEvent({ level: "info", name: "calls-api", message });
  }
}
