/**
 * The command's sender: drains orphaned segments and those of write-only programs, for all logs in
 * a root directory.
 *
 * @module
 */

import { hasCode, messageOf } from "../../errors.ts";
import { type CreatedSender, createSender } from "../../delivery/create_sender.ts";
import type { DeliveryTarget } from "../../delivery/delivery_client.ts";
import type { RecoveryStart } from "../../delivery/recovery/directory_recovery_options.ts";
import type { Settings } from "../../client/settings/settings.ts";
import type { ServerState } from "../../delivery/http/circuit_breaker.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import { CountBudget } from "../../wal/segment/pending_count.ts";
import { sumWaiting } from "../../wal/segment/waiting_counter.ts";
import { HEARTBEAT_MS } from "../../wal/processes/failure_detector.ts";
import { Presence } from "../../wal/processes/presence.ts";
import type { SenderReport } from "../../wal/processes/presence_state.ts";
import { commandClient, type DeliveryListener } from "./delivery_client.ts";
import { formatCount, formatRecords, plural } from "../terminal/format.ts";
import { listProjects, projectAt, type ProjectFilter } from "../logs/projects.ts";
import { projectLabel } from "../logs/python_logs.ts";
import { type SenderEvent, SenderReporter } from "./sender_reporter.ts";

/** Codes of errors with which a disk refuses every change. */
const UNWRITABLE = ["EROFS", "EACCES", "EPERM"];

/** Options for {@linkcode DirectorySender}. */
export interface DirectorySenderOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly filter: ProjectFilter;
  /** Process token; see `writerToken`. */
  readonly token: string;
  readonly newId: () => string;
  readonly onEvent: (event: SenderEvent) => void;
  /** Creates the delivery target; default: the server of the settings. */
  readonly makeTarget?: (listener: DeliveryListener) => DeliveryTarget;
}

/** Maximum number of projects that a message names. */
const MAX_NAMES = 3;

/** Sends all logs in a root directory that may be sent, including ones created later. */
export class DirectorySender {
  readonly #options: DirectorySenderOptions;
  readonly #deliveryClient: DeliveryTarget;
  readonly #created: CreatedSender;
  readonly #presence: Presence;
  readonly #forgetExit: () => void;
  readonly #reporter: SenderReporter;
  #timer: Timer | null = null;
  /** Whether the disk has refused a change since the last scan began. */
  #isUnwritable = false;
  /** The same for the scan in progress. */
  #wasRefused = false;

  /** Does not start sending. */
  constructor(options: DirectorySenderOptions) {
    const { runtime, settings, token, filter, newId, onEvent } = options;
    const { clock } = runtime;
    this.#options = options;
    const { serverUrl: server, walDir: root } = settings;
    this.#reporter = new SenderReporter({ clock, server, pending: () => this.#pending(), onEvent });
    this.#presence = new Presence({
      runtime,
      root,
      token,
      server,
      sender: true,
      report: () => this.report,
      onWake: () => this.#created.sender.sendNow(),
    });
    const listener: DeliveryListener = {
      onState: (state, reason) => this.#stateChanged(state, reason),
      onRetry: (reason) => this.#reporter.failed(reason),
      onSwitch: (to, reason) => this.#reporter.switched(to, reason),
    };
    this.#deliveryClient = options.makeTarget?.(listener) ??
      commandClient(runtime, settings, settings.walDir, newId, listener);
    const onTrouble = (what: string, error: unknown): void => this.trouble(what, error);
    const scanBegins = (): void => void (this.#wasRefused = false);
    this.#created = createSender({
      ...settings,
      runtime,
      deliveryClient: this.#deliveryClient,
      server,
      token,
      root,
      async directories() {
        scanBegins();
        const onUnreadable = (_: string, error: unknown): void => onTrouble("logs", error);
        return (await listProjects(runtime, root, filter, onUnreadable))
          .map(({ directory }) => directory);
      },
      onProgress: (delivered, deadLetters) =>
        this.#reporter.progressed(delivered, deadLetters.length),
      // Writers enforce quotas.
      onDropped: () => {},
      onComplete: () => {},
      onTrouble,
      onLost: () => {},
      onScanned: () => void (this.#isUnwritable = this.#wasRefused),
      onRecovery: (start, sent) => this.#recovering(start, sent),
      onRecovered: () => {},
    });
    // On a second signal or a crash, release the leases at once instead of letting them expire.
    this.#forgetExit = runtime.process.onExit(() => {
      this.#created.sender.abandon();
      this.#quietly(() => this.#presence.end(false));
    });
  }

  /** Progress of the sender and state of the server. */
  get report(): SenderReport {
    return this.#reporter.report(this.#deliveryClient.breaker.msToNextAttempt);
  }

  /**
   * Whether nothing is being sent, and the disk refused the last change for a reason that does not
   * resolve itself.
   */
  get isUnwritable(): boolean {
    return this.#isUnwritable && this.#created.sender.drains().length === 0;
  }

  /** Records a disk error, and reports it at limited frequency. */
  trouble(what: string, error: unknown): void {
    if (UNWRITABLE.some((code) => hasCode(error, code))) {
      this.#isUnwritable = this.#wasRefused = true;
    }
    this.#reporter.trouble(what, error);
  }

  /** Starts sending. */
  start(): void {
    this.#heartbeat();
    this.#created.sender.start();
  }

  /**
   * Stops everything in progress and releases the leases. Records without a response stay in the
   * log.
   */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#created.stop();
    this.#quietly(() => this.#presence.end(false));
    this.#forgetExit();
  }

  #recovering(
    { directory, segments, processes, records }: RecoveryStart,
    sent: number,
  ): void {
    const { runtime, onEvent } = this.#options;
    const all = formatRecords(records.records, records.isEstimate);
    const message = `${sent === 0 ? "Sending" : "Sent"} ${
      projectLabel(projectAt(runtime, directory))
    }: ${sent === 0 ? all : `${formatCount(sent)} of ${all}`} in ${plural(segments, "file")} of ${
      plural(processes, "process", "processes")
    }`;
    onEvent({ level: "info", name: "recovery", message });
  }

  async #pending(): Promise<string> {
    const budget = new CountBudget();
    const counts = await this.#created.recovery?.pendingByDirectory("all", budget) ?? [];
    const waiting = [...counts].filter(([, { records }]) => records > 0);
    if (waiting.length === 0) return "Records stay on disk";
    const { records, isEstimate } = sumWaiting(waiting.map(([, count]) => count));
    const names = waiting.map(([directory]) =>
      projectLabel(projectAt(this.#options.runtime, directory))
    );
    const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : "";
    return `${formatRecords(records, isEstimate)} of ${
      names.slice(0, MAX_NAMES).join(", ")
    }${more} ${records === 1 ? "is" : "are"} pending, safe on disk`;
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
    this.#reporter.stateChanged(state, reason);
    this.#created.serverChanged(state);
    this.#write();
  }

  /** Ignores disk errors: a full or missing disk must not prevent delivery. */
  #quietly(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#reporter.failed(messageOf(error));
    }
  }
}
