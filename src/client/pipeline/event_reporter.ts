/**
 * Events of a pipeline, limited in number: every change is reported at once, and repetitions are
 * reported at level `debug`.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { RecoveryStart } from "../../delivery/directory_recovery.ts";
import type { WalEvent, WalEventName } from "./events.ts";
import type { ServerStatus } from "./stats.ts";
import { REMIND_MS, StateThrottle } from "./state_throttle.ts";

/** Recovered segments whose delivery is reported a second time, when it is complete. */
const MANY_SEGMENTS = 100;

/** Reports a pipeline's events; repetitions are reported at level `debug`. */
export class EventReporter {
  readonly #clock: Clock;
  readonly #onEvent: (event: WalEvent) => void;
  readonly #server: StateThrottle<ServerStatus["state"]>;
  readonly #disk: StateThrottle<"works" | "fails">;
  #diskError = "";
  /** When each kind of problem was last reported, on the monotonic clock. */
  readonly #reportedAt = new Map<string, number>();

  /** @param onEvent Called with every event; must not throw. */
  constructor(clock: Clock, onEvent: (event: WalEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#server = new StateThrottle(clock, "up", REMIND_MS);
    this.#disk = new StateThrottle(clock, "works", Infinity);
  }

  /** The server changed its state. */
  server(status: ServerStatus): void {
    this.#reportServer(status, this.#server.changed(status.state));
  }

  /** The disk failed with this message, or works again (`null`). */
  disk(error: string | null): void {
    this.#diskError = error ?? "";
    this.#reportDisk(error, this.#disk.changed(error === null ? "works" : "fails"));
  }

  /** Repeats the report of a state that lasts, when it is due. Called at intervals. */
  remind(status: ServerStatus): void {
    if (this.#server.due()) this.#reportServer(status, true);
    if (this.#disk.due()) this.#reportDisk(this.#diskError, true);
  }

  /** A record was dead-lettered. */
  deadLetter(why: string): void {
    const level = this.#due(`dead letter ${why}`) ? "error" : "debug";
    this.report(level, "dead-letter", `Dead-lettered a record: ${why}`);
  }

  /** Records were dropped; `first` if for the first time for this cause. */
  dropped(cause: string, first: boolean, why: string): void {
    if (!this.#due(cause) && !first) return;
    this.report("error", "dropped", `Dropped records (${cause}): ${why}`);
  }

  /** The delivery of segments of dead processes has begun. */
  recovery({ directory, segments, processes }: RecoveryStart): void {
    const message = `Sending records that ${count(processes, "process", "processes")} left in ` +
      `${directory} (${count(segments, "file", "files")})`;
    this.report("info", "recovery", message);
  }

  /** All of them are delivered. */
  recovered({ directory, segments, processes }: RecoveryStart): void {
    const message = `Sent all records that ${count(processes, "process", "processes")} left in ` +
      directory;
    this.report(segments < MANY_SEGMENTS ? "debug" : "info", "recovered", message);
  }

  /** A disk operation failed that the log can do without; `isNews` unless it was to be expected. */
  logError(what: string, message: string, isNews: boolean): void {
    if (!this.#due(`error ${what}`)) return;
    this.report(
      isNews ? "warn" : "debug",
      "disk-error",
      `Log error (${what}): ${message}`,
    );
  }

  /** Reports an event without a limit. */
  report(level: WalEvent["level"], name: WalEventName, message: string): void {
    this.#onEvent({ level, name, message });
  }

  #reportServer({ state, reason }: ServerStatus, isNews: boolean): void {
    if (state === "up") {
      this.report(isNews ? "info" : "debug", "server-up", "The server accepts requests again");
    } else if (state === "down") {
      const message = `Cannot deliver, trying again: ${reason}`;
      this.report(isNews ? "warn" : "debug", "server-down", message);
    } else {
      const message = `Cannot deliver until this is fixed: ${reason}`;
      this.report(isNews ? "error" : "debug", "server-blocked", message);
    }
  }

  #reportDisk(error: string | null, isNews: boolean): void {
    if (error === null) {
      this.report(isNews ? "info" : "debug", "disk-recovered", "The log is on disk again");
    } else {
      const message = `Cannot write the log on disk, keeping records in memory: ${error}`;
      this.report(isNews ? "warn" : "debug", "disk-failed", message);
    }
  }

  #due(what: string): boolean {
    const now = this.#clock.monotonic();
    const last = this.#reportedAt.get(what);
    if (last !== undefined && now - last < REMIND_MS) return false;
    this.#reportedAt.set(what, now);
    return true;
  }
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
