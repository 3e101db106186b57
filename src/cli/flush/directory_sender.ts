/**
 * The sender of the command: drains what the programs below one root left or leave to it.
 *
 * @module
 */

import { actsOnEarlier } from "../../delivery/records/record_sender.ts";
import { Sender } from "../../delivery/sender.ts";
import { Slots } from "../../delivery/async/signal.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { StateVoice } from "../../client/pipeline/state_throttle.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import { HEARTBEAT_MS } from "../../wal/ownership/failure_detector.ts";
import { segmentPaths } from "../../wal/segment/segment_name.ts";
import { Recovery } from "../../wal/ownership/orphan_scanner.ts";
import { SenderNote, type SenderReport } from "../../wal/ownership/sender_status.ts";
import { commandDeliverer } from "./delivery_client.ts";
import { plural } from "../terminal/format.ts";
import { MAX_RECORD_BYTES } from "../logs/read_limits.ts";
import { listProjects, type ProjectFilter } from "../logs/projects.ts";

/** Segments read and sent at once. */
const MAX_ACTIVE_DRAINS = 4;

/** Ms before the same trouble is told again. */
const TELL_AGAIN_MS = 300_000;

/** Something that happened while sending. */
export interface SenderEvent {
  readonly level: "info" | "warn" | "error";
  /** Stable name, for programs. */
  readonly name: string;
  /** One sentence for people. Never holds the key or traced data. */
  readonly message: string;
}

/** What a tree sender is made from. */
export interface TreeSenderOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly filter: ProjectFilter;
  /** 32 hex digits, new for every sender. */
  readonly token: string;
  readonly newId: () => string;
  readonly onEvent: (event: SenderEvent) => void;
}

/** Sends every log below a root that may be sent, also those that appear later. */
export class TreeSender {
  readonly #options: TreeSenderOptions;
  readonly #recovery: Recovery;
  readonly #sender: Sender;
  readonly #note: SenderNote;
  readonly #forgetExit: () => void;
  /** When trouble was told last, by what the host said of it and the monotonic clock. */
  readonly #toldAt = new Map<string, number>();
  readonly #voice: StateVoice<SenderReport["state"]>;
  #timer: Timer | null = null;
  #report: SenderReport;

  /** Makes a sender that has not begun. */
  constructor(options: TreeSenderOptions) {
    const { runtime, settings, token, filter, newId, onEvent } = options;
    const { clock } = runtime;
    this.#options = options;
    this.#voice = new StateVoice(clock, "up", Infinity);
    this.#report = {
      server: settings.serverUrl,
      state: "up",
      reason: "",
      since: clock.now(),
      delivered: 0,
      deadLettered: 0,
      lastDelivery: null,
      lastError: null,
    };
    this.#note = new SenderNote(runtime, settings.walDir, token);
    this.#recovery = new Recovery({ runtime, server: settings.serverUrl, token });
    const deliverer = commandDeliverer(runtime, settings, newId, {
      onState: (state, reason) => this.#stateChanged(state, reason),
      onRetry: (reason) => this.#failed(reason),
      onSwitch: (to, reason) =>
        onEvent({ level: "info", name: "call-path", message: `Calls go ${to} now: ${reason}` }),
    });
    const onTrouble = (what: string, error: unknown): void => this.trouble(what, error);
    this.#sender = new Sender({
      clock,
      deliverer,
      recovery: this.#recovery,
      directories: () =>
        listProjects(runtime, settings.walDir, filter, (_, error) => onTrouble("logs", error))
          .map(({ directory }) => directory),
      drain: {
        clock,
        deliverer,
        limits: {
          bytes: settings.batchBytes,
          records: settings.batchRecords,
          recordBytes: MAX_RECORD_BYTES,
          standsAlone: actsOnEarlier,
        },
        lingerBytes: settings.batchBytes,
        lingerMs: settings.lingerMs,
        slots: new Slots(MAX_ACTIVE_DRAINS),
        onProgress: (delivered, letters) => this.#progressed(delivered, letters.length),
        // Quotas are the affair of those who write.
        onDropped: () => {},
        onComplete: () => {},
        onTrouble,
      },
      onTrouble,
      onLost: () => {},
      onRecovered: ({ name }) => {
        const message = `Taking up ${this.#projectOf(name)}${name}`;
        onEvent({ level: "info", name: "taken-up", message });
      },
    });
    // A second signal, or a crash: the claims go back at once instead of after a silence.
    this.#forgetExit = runtime.process.onExit(() => {
      this.#sender.abandon();
      this.#quietly(() => this.#note.remove());
    });
  }

  /** What it has done, and how the server is. */
  get report(): SenderReport {
    return this.#report;
  }

  /** Takes note of trouble with the disk, and tells of it now and then. */
  trouble(what: string, error: unknown): void {
    const { runtime: { clock }, onEvent } = this.#options;
    const why = error instanceof Error ? error.message : String(error);
    const message = `Trouble with ${what}: ${why}`;
    this.#failed(message);
    const now = clock.monotonic();
    for (const [told, at] of this.#toldAt) {
      if (now - at >= TELL_AGAIN_MS) this.#toldAt.delete(told);
    }
    if (this.#toldAt.has(why)) return;
    this.#toldAt.set(why, now);
    onEvent({ level: "warn", name: "disk-trouble", message });
  }

  /** Begins to send. */
  start(): void {
    this.#quietly(() => this.#note.sweep());
    this.#sender.start();
    this.#beat();
  }

  /** Ends what is under way and gives the claims back. What was not answered stays in the log. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#sender.stop();
    this.#quietly(() => this.#note.remove());
    this.#forgetExit();
  }

  /** `entity/project ` of a segment. */
  #projectOf(stem: string): string {
    const { runtime, settings: { walDir }, filter } = this.#options;
    const found = listProjects(runtime, walDir, filter, () => {}).find(({ directory }) =>
      runtime.files.stat(segmentPaths(directory, stem).data) !== null
    );
    return found ? `${found.entity}/${found.project} ` : "";
  }

  #beat(): void {
    this.#quietly(() => this.#recovery.beat());
    this.#write();
    this.#timer = this.#options.runtime.clock.after(HEARTBEAT_MS, () => this.#beat());
  }

  #write(): void {
    this.#quietly(() => this.#note.write(this.#report));
  }

  #stateChanged(state: SenderReport["state"], reason: string): void {
    const { runtime: { clock }, settings: { serverUrl }, onEvent } = this.#options;
    this.#report = { ...this.#report, state, reason, since: clock.now() };
    this.#write();
    // What comes and goes is in the report, and said now and then.
    if (!this.#voice.changed(state)) return;
    if (state === "up") {
      onEvent({ level: "info", name: "server-up", message: `${serverUrl} takes requests again` });
    } else if (state === "down") {
      const message = `Cannot deliver to ${serverUrl}, trying again: ${reason}`;
      onEvent({ level: "warn", name: "server-down", message });
    } else {
      const message = `Cannot deliver to ${serverUrl} until this is mended: ${reason}`;
      onEvent({ level: "error", name: "server-held", message });
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
      const message = `Set aside: ${
        plural(deadLettered, "record")
      }; see weave-wal dead-letters list`;
      onEvent({ level: "error", name: "dead-letters", message });
    }
  }

  /** The disk may be full or gone: that is no reason not to send. */
  #quietly(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }
}
