/**
 * The sender of the command: drains what the programs below one root left or leave to it.
 *
 * @module
 */

import { type CreatedSender, createSender } from "../../delivery/create_sender.ts";
import type { Deliverer } from "../../delivery/delivery_client.ts";
import type { RecoveryStart } from "../../delivery/directory_recovery_options.ts";
import type { Settings } from "../../client/settings/settings.ts";
import type { ServerState } from "../../delivery/http/circuit_breaker.ts";
import { StateThrottle } from "../../client/pipeline/state_throttle.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import { HEARTBEAT_MS } from "../../wal/ownership/failure_detector.ts";
import { Presence } from "../../wal/ownership/presence.ts";
import type { SenderReport } from "../../wal/ownership/presence_state.ts";
import { commandClient } from "./delivery_client.ts";
import { plural } from "../terminal/format.ts";
import { listProjects, projectAt, type ProjectFilter } from "../logs/projects.ts";
import { projectLabel } from "../logs/python_logs.ts";

/** Minimum ms between two reports of the same error. */
const REPORT_AGAIN_MS = 300_000;

/** Something that happened while sending. */
export interface SenderEvent {
  readonly level: "info" | "warn" | "error";
  /** Stable name, for programs. */
  readonly name: string;
  /** One sentence for people. Never holds the key or traced data. */
  readonly message: string;
}

/** Options of a directory sender. */
export interface DirectorySenderOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly filter: ProjectFilter;
  /** A process token; see `writerToken`. */
  readonly token: string;
  readonly newId: () => string;
  readonly onEvent: (event: SenderEvent) => void;
}

/** Sends every log below a root that may be sent, also those that appear later. */
export class DirectorySender {
  readonly #options: DirectorySenderOptions;
  readonly #deliverer: Deliverer;
  readonly #created: CreatedSender;
  readonly #presence: Presence;
  readonly #forgetExit: () => void;
  /** When each error was last reported, by its message, on the monotonic clock. */
  readonly #reportedAt = new Map<string, number>();
  readonly #reporter: StateThrottle<SenderReport["state"]>;
  #timer: Timer | null = null;
  #report: SenderReport;

  /** Makes a sender that has not begun. */
  constructor(options: DirectorySenderOptions) {
    const { runtime, settings, token, filter, newId, onEvent } = options;
    const { clock } = runtime;
    this.#options = options;
    this.#reporter = new StateThrottle(clock, "up", Infinity);
    this.#report = {
      server: settings.serverUrl,
      state: "up",
      reason: "",
      since: clock.now(),
      nextAttempt: null,
      delivered: 0,
      deadLettered: 0,
      lastDelivery: null,
      lastError: null,
    };
    const { serverUrl: server, walDir: root } = settings;
    this.#presence = new Presence({
      runtime,
      root,
      token,
      server,
      sender: true,
      report: () => this.report,
      onWake: () => this.#created.sender.hurry(),
    });
    this.#deliverer = commandClient(runtime, settings, newId, {
      onState: (state, reason) => this.#stateChanged(state, reason),
      onRetry: (reason) => this.#failed(reason),
      onSwitch: (to, reason) =>
        onEvent({ level: "info", name: "calls-api", message: `Calls go ${to} now: ${reason}` }),
    });
    const onTrouble = (what: string, error: unknown): void => this.trouble(what, error);
    this.#created = createSender({
      ...settings,
      runtime,
      deliverer: this.#deliverer,
      server,
      token,
      root,
      directories: () =>
        listProjects(runtime, root, filter, (_, error) => onTrouble("logs", error))
          .map(({ directory }) => directory),
      onProgress: (delivered, deadLetters) => this.#progressed(delivered, deadLetters.length),
      // Quotas are enforced by the writers.
      onDropped: () => {},
      onComplete: () => {},
      onTrouble,
      onLost: () => {},
      onRecovery: (start) => this.#recovering(start),
      onRecovered: () => {},
    });
    // A second signal, or a crash: the leases go back at once instead of when they expire.
    this.#forgetExit = runtime.process.onExit(() => {
      this.#created.sender.abandon();
      this.#quietly(() => this.#presence.end(false));
    });
  }

  /** Progress of the sender and state of the server. */
  get report(): SenderReport {
    const ms = this.#deliverer.gate.msToNextAttempt;
    const nextAttempt = ms === null ? null : this.#options.runtime.clock.now() + ms;
    return { ...this.#report, nextAttempt };
  }

  /** Takes note of trouble with the disk, and tells of it now and then. */
  trouble(what: string, error: unknown): void {
    const { runtime: { clock }, onEvent } = this.#options;
    const why = error instanceof Error ? error.message : String(error);
    const message = `Error (${what}): ${why}`;
    this.#failed(message);
    const now = clock.monotonic();
    for (const [message, at] of this.#reportedAt) {
      if (now - at >= REPORT_AGAIN_MS) this.#reportedAt.delete(message);
    }
    if (this.#reportedAt.has(why)) return;
    this.#reportedAt.set(why, now);
    onEvent({ level: "warn", name: "disk-error", message });
  }

  /** Begins to send. */
  start(): void {
    this.#heartbeat();
    this.#created.sender.start();
  }

  /** Ends what is in progress and gives the leases back. What was not answered stays in the log. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#created.stop();
    this.#quietly(() => this.#presence.end(false));
    this.#forgetExit();
  }

  #recovering({ directory, segments, processes }: RecoveryStart): void {
    const { runtime, onEvent } = this.#options;
    const message = `Sending ${projectLabel(projectAt(runtime, directory))}: ${
      plural(segments, "file")
    } of ${plural(processes, "process", "processes")}`;
    onEvent({ level: "info", name: "recovery", message });
  }

  #heartbeat(): void {
    this.#write();
    this.#quietly(() => this.#created.recovery?.heartbeat());
    this.#timer = this.#options.runtime.clock.after(HEARTBEAT_MS, () => this.#heartbeat());
  }

  #write(): void {
    this.#quietly(() => this.#presence.heartbeat());
  }

  #stateChanged(state: ServerState, reason: string): void {
    const { runtime: { clock }, settings: { serverUrl }, onEvent } = this.#options;
    this.#report = { ...this.#report, state, reason, since: clock.now() };
    this.#created.serverChanged(state);
    this.#write();
    // Every change is in the report; events are limited.
    if (!this.#reporter.changed(state)) return;
    if (state === "up") {
      onEvent({ level: "info", name: "server-up", message: `${serverUrl} accepts requests again` });
    } else if (state === "down") {
      const message =
        `Cannot deliver to ${serverUrl}, trying again: ${reason}. Records stay on disk`;
      onEvent({ level: "warn", name: "server-down", message });
    } else {
      const message = `Cannot deliver to ${serverUrl} until this is fixed: ${reason}. ` +
        "Records stay on disk";
      onEvent({ level: "error", name: "server-blocked", message });
    }
  }

  #failed(message: string): void {
    this.#report = {
      ...this.#report,
      lastError: { message, at: this.#options.runtime.clock.now() },
    };
  }

  #progressed(delivered: number, deadLettered: number): void {
    const { runtime: { clock }, onEvent } = this.#options;
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

  /** Ignores disk errors: a full or missing disk must not prevent delivery. */
  #quietly(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }
}
