/**
 * Reports the events of a pipeline in limited number: every change immediately, repetitions at
 * level `debug`.
 *
 * @module
 */

import type { Clock } from "../../../runtime/runtime.ts";
import { dropText, LOST_IN_MEMORY } from "./drop_causes.ts";
import type { RecoveryStart } from "../../../delivery/recovery/directory_recovery_options.ts";
import type { WalEvent, WalEventName } from "./events.ts";
import type { DropCause, ServerStatus } from "./counters.ts";
import { REMIND_MS, StateThrottle } from "./state_throttle.ts";

/** Number of recovered segments from which the end of their delivery is also reported. */
const MANY_SEGMENTS = 100;

/** Pending records by location. */
export interface PendingPlaces {
  readonly disk: number;
  /** Number of records that exist only in this process's memory. */
  readonly memory: number;
}

/** Options for {@linkcode EventReporter}. */
export interface EventReporterOptions {
  readonly clock: Clock;
  /** Called with every event; must not throw. */
  readonly onEvent: (event: WalEvent) => void;
  /** `entity/project` of the log. */
  readonly project: string;
  /** Base URL of the server. */
  readonly server: string;
  /** Counts the pending records of this process. */
  readonly pending: () => Promise<PendingPlaces>;
  /** Returns `entity/project` for a project's directory. */
  readonly projectAt: (directory: string) => string;
}

/** Reports a pipeline's events; repetitions are reported at level `debug`. */
export class EventReporter {
  readonly #options: EventReporterOptions;
  readonly #serverThrottle: StateThrottle<ServerStatus["state"]>;
  readonly #disk: StateThrottle<"works" | "fails">;
  #diskError = "";
  /** Time of the last report for each kind of problem, on the monotonic clock. */
  readonly #reportedAt = new Map<string, number>();
  /** Dropped records, unreported and in total, by cause. */
  readonly #dropped = new Map<DropCause, { unreported: number; total: number; why: string }>();
  #server: ServerStatus["state"] = "up";

  /** Creates a reporter for a pipeline that was just opened. */
  constructor(options: EventReporterOptions) {
    const { clock } = options;
    this.#options = options;
    this.#serverThrottle = new StateThrottle(clock, "up", REMIND_MS);
    this.#disk = new StateThrottle(clock, "works", Infinity);
  }

  /** Reports a change of the server's state. */
  server(status: ServerStatus): void {
    this.#server = status.state;
    this.#reportServer(status, this.#serverThrottle.changed(status.state));
  }

  /** Reports that the disk failed with this message, or works again (`null`). */
  disk(error: string | null): void {
    this.#diskError = error ?? "";
    this.#reportDisk(error, this.#disk.changed(error === null ? "works" : "fails"));
  }

  /** Repeats the report of a persistent state if it is due. Call it at intervals. */
  remind(status: ServerStatus): void {
    if (this.#serverThrottle.due()) this.#reportServer(status, true);
    if (this.#disk.due()) this.#reportDisk(this.#diskError, true);
    for (const cause of this.#dropped.keys()) if (this.#due(cause)) this.#reportDropped(cause);
  }

  /** Reports a dead letter. */
  deadLetter(why: string): void {
    const level = this.#due(`dead letter ${why}`) ? "error" : "debug";
    const { project, server } = this.#options;
    const message = `${project}: ${server} rejected a record, kept as a dead letter: ${why}. ` +
      "See `weave-wal dead-letters list`";
    this.report(level, "dead-letter", message);
  }

  /** Reports dropped records. */
  dropped(cause: DropCause, records: number, why: string): void {
    if (records === 0) return;
    const { unreported = 0, total = 0 } = this.#dropped.get(cause) ?? {};
    this.#dropped.set(cause, { unreported: unreported + records, total: total + records, why });
    if (this.#due(cause)) this.#reportDropped(cause);
  }

  /**
   * Reports everything that was not reported yet, because nothing more will happen.
   *
   * @param inMemory Number of records that are lost with the memory of this process.
   */
  end(inMemory: number): void {
    for (const cause of this.#dropped.keys()) this.#reportDropped(cause);
    if (inMemory === 0) return;
    const message =
      `${this.#options.project}: ${count(inMemory, "record is", "records are")} lost ` +
      `(${LOST_IN_MEMORY}): ${dropText(LOST_IN_MEMORY)}`;
    this.report("error", "dropped", message);
  }

  #reportDropped(cause: DropCause): void {
    const dropped = this.#dropped.get(cause)!;
    if (dropped.unreported === 0) return;
    dropped.unreported = 0;
    const { total, why } = dropped;
    const message = `${this.#options.project}: ${count(total, "record is", "records are")} lost ` +
      `(${cause}): ${dropText(cause)}${cause === "failed" ? `: ${why}` : ""}`;
    this.report("error", "dropped", message);
  }

  /** Reports the delivery of dead processes' segments: its start (`sent` is 0) and its progress. */
  recovery({ directory, segments, processes, records }: RecoveryStart, sent: number): void {
    const all = records.isEstimate
      ? `about ${Number(records.records.toPrecision(2))} records`
      : count(records.records, "record", "records");
    const message = `${this.#options.projectAt(directory)}: ` +
      `${sent === 0 ? `sending ${all}` : `sent ${sent} of ${all}`} that ` +
      `${count(processes, "process", "processes")} left (${count(segments, "file", "files")})`;
    this.report("info", "recovery", message);
  }

  /** Reports the end of their delivery. */
  recovered({ directory, segments, processes }: RecoveryStart, sent: number): void {
    const message = `${this.#options.projectAt(directory)}: ` +
      `sent all ${count(sent, "record", "records")} that ` +
      `${count(processes, "process", "processes")} left`;
    this.report(segments < MANY_SEGMENTS ? "debug" : "info", "recovered", message);
  }

  /** Reports a failed disk operation that the log can tolerate; `isNews` unless it was expected. */
  logError(what: string, message: string, isNews: boolean): void {
    if (!this.#due(`error ${what}`)) return;
    this.report(
      isNews ? "warn" : "debug",
      "disk-error",
      `Log error (${what}): ${message}`,
    );
  }

  /** Reports that this host or file system does not support syncing. */
  syncUnsupported(message: string): void {
    this.report(
      "warn",
      "sync-unsupported",
      `Cannot fsync the log: ${message}. Records are on disk and survive the ` +
        "end of this process, but may be lost if the machine crashes",
    );
  }

  /** Reports that the current segment's file was deleted or replaced. */
  logRemoved(): void {
    this.report(
      "warn",
      "log-removed",
      "A log file was deleted or replaced: continuing in a new file",
    );
  }

  /** Reports an event without a limit. */
  report(level: WalEvent["level"], name: WalEventName, message: string): void {
    this.#options.onEvent({ level, name, message });
  }

  #reportServer({ state, reason }: ServerStatus, isNews: boolean): void {
    const { project, server } = this.#options;
    if (state === "up") {
      const message = `${project}: ${server} accepts requests again`;
      return this.report(isNews ? "info" : "debug", "server-up", message);
    }
    const [name, level, until] = state === "down"
      ? ["server-down", "warn", "trying again"] as const
      : ["server-blocked", "error", "until this is fixed"] as const;
    const message = `${project}: cannot deliver to ${server}, ${until}: ${reason}`;
    if (!isNews) return this.report("debug", name, message);
    // Counting pending records takes a moment; the state may have changed by then.
    void this.#options.pending().then((pending) =>
      this.report(
        state === this.#server ? level : "debug",
        name,
        `${message}. ${safetyText(pending)}`,
      )
    );
  }

  #reportDisk(error: string | null, isNews: boolean): void {
    const { project } = this.#options;
    if (error === null) {
      const message = `${project}: new records are on disk again`;
      this.report(isNews ? "info" : "debug", "disk-recovered", message);
    } else {
      const message = `${project}: cannot write the log on disk, keeping new records in memory: ` +
        `${error}. They are lost if this process ends before they are delivered`;
      this.report(isNews ? "warn" : "debug", "disk-failed", message);
    }
  }

  #due(what: string): boolean {
    const now = this.#options.clock.monotonic();
    const last = this.#reportedAt.get(what);
    if (last !== undefined && now - last < REMIND_MS) return false;
    this.#reportedAt.set(what, now);
    return true;
  }
}

/** Describes whether pending records survive the process. */
function safetyText({ disk, memory }: PendingPlaces): string {
  const parts = [
    ...(disk > 0 ? [`${count(disk, "record is", "records are")} pending, safe on disk`] : []),
    ...(memory > 0
      ? [`${count(memory, "record is", "records are")} in memory only, lost if this process ends`]
      : []),
  ];
  return parts.length === 0 ? "Nothing is pending" : parts.join("; ");
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
