/**
 * What a pipeline says while it works, and how often: every change at once, and nothing so often
 * that it fills a screen.
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

/** Tells a pipeline's events; what is said too often is told at level `debug`. */
export class EventReporter {
  readonly #clock: Clock;
  readonly #onEvent: (event: WalEvent) => void;
  readonly #server: StateThrottle<ServerStatus["state"]>;
  readonly #disk: StateThrottle<"works" | "fails">;
  #diskError = "";
  /** When a kind of trouble was last said, on the monotonic clock. */
  readonly #said = new Map<string, number>();

  /** @param onEvent Told of every event; must not throw. */
  constructor(clock: Clock, onEvent: (event: WalEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#server = new StateThrottle(clock, "up", REMIND_MS);
    this.#disk = new StateThrottle(clock, "works", Infinity);
  }

  /** The server changed its state. */
  server(status: ServerStatus): void {
    this.#sayServer(status, this.#server.changed(status.state));
  }

  /** The disk failed with this message, or works again (`null`). */
  disk(error: string | null): void {
    this.#diskError = error ?? "";
    this.#sayDisk(error, this.#disk.changed(error === null ? "works" : "fails"));
  }

  /** Says what lasts, when it is time. Called now and then. */
  remind(status: ServerStatus): void {
    if (this.#server.due()) this.#sayServer(status, true);
    if (this.#disk.due()) this.#sayDisk(this.#diskError, true);
  }

  /** A record was set aside. */
  deadLetter(why: string): void {
    const level = this.#due(`dead letter ${why}`) ? "error" : "debug";
    this.tell(level, "dead-letter", `Set a record aside: ${why}`);
  }

  /** Records were dropped; `first` tells whether never before for this cause. */
  dropped(cause: string, first: boolean, why: string): void {
    if (!this.#due(cause) && !first) return;
    this.tell("error", "dropped", `Dropped records (${cause}): ${why}`);
  }

  /** Segments of dead processes are being sent; few of them are no news. */
  recovery({ directory, segments, processes }: RecoveryStart): void {
    const message = `Sending records that ${count(processes, "process", "processes")} left in ` +
      `${directory} (${count(segments, "file", "files")})`;
    this.tell("info", "recovery", message);
  }

  /** They were all sent. */
  recovered({ directory, segments, processes }: RecoveryStart): void {
    const message = `Sent all records that ${count(processes, "process", "processes")} left in ` +
      directory;
    this.tell(segments < MANY_SEGMENTS ? "debug" : "info", "recovered", message);
  }

  /** Something on the disk failed that the log can live with; no news where it was to be expected. */
  trouble(what: string, message: string, isNews: boolean): void {
    if (!this.#due(`trouble ${what}`)) return;
    this.tell(
      isNews ? "warn" : "debug",
      "disk-error",
      `Trouble with the log (${what}): ${message}`,
    );
  }

  /** Tells an event as it is. */
  tell(level: WalEvent["level"], name: WalEventName, message: string): void {
    this.#onEvent({ level, name, message });
  }

  #sayServer({ state, reason }: ServerStatus, aloud: boolean): void {
    if (state === "up") {
      this.tell(aloud ? "info" : "debug", "server-up", "The server takes requests again");
    } else if (state === "down") {
      const message = `Cannot deliver, trying again: ${reason}`;
      this.tell(aloud ? "warn" : "debug", "server-down", message);
    } else {
      const message = `Cannot deliver until this is mended: ${reason}`;
      this.tell(aloud ? "error" : "debug", "server-blocked", message);
    }
  }

  #sayDisk(error: string | null, aloud: boolean): void {
    if (error === null) {
      this.tell(aloud ? "info" : "debug", "disk-recovered", "The log is on disk again");
    } else {
      const message = `Cannot write the log on disk, keeping records in memory: ${error}`;
      this.tell(aloud ? "warn" : "debug", "disk-failed", message);
    }
  }

  #due(what: string): boolean {
    const now = this.#clock.monotonic();
    const last = this.#said.get(what);
    if (last !== undefined && now - last < REMIND_MS) return false;
    this.#said.set(what, now);
    return true;
  }
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
