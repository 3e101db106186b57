/**
 * What is wrong, and what to do about it.
 *
 * @module
 */

import type { SenderView } from "../wal/sender_note.ts";
import { formatDuration, plural, printable, quoted } from "./format.ts";
import { partyName, senderStateOf } from "./sender_state.ts";
import type { ProjectReport, StatusReport } from "./status_report.ts";
import { writersOf } from "./writer_summary.ts";

/** One thing that somebody should know. */
export interface Advice {
  readonly level: "info" | "warn" | "error";
  /** Stable name, for programs. */
  readonly name: string;
  /** `entity/project`; absent where it is about a sender. */
  readonly project?: string;
  readonly message: string;
  /** A command that helps, where one does. */
  readonly command?: string;
}

/** What the advice depends on. */
export interface AdviceOptions {
  /** The server of the settings. */
  readonly server: string;
  /** `--dir` as it was given, to be repeated in commands. */
  readonly dir?: string;
}

/** Reads a report. */
export function adviseOn(report: StatusReport, options: AdviceOptions): Advice[] {
  return [
    ...report.senders.flatMap((note) => ofSender(note, report.at)),
    ...report.projects.flatMap((project) => ofProject(project, report, options)),
  ];
}

function ofSender(note: SenderView, now: number): Advice[] {
  const who = partyName(note);
  const since = formatDuration(now - note.since);
  const server = printable(note.server);
  if (note.state === "held") {
    return [{
      level: "error",
      name: "server-held",
      message: `${server} refuses what ${who} sends, since ${since}: ${printable(note.reason)}; ` +
        "mend the key or the URL and start the sender again; nothing is lost",
    }];
  }
  if (note.state === "down") {
    return [{
      level: "warn",
      name: "server-down",
      message: `${server} does not take what ${who} sends, since ${since}: ` +
        `${printable(note.reason)}; it is tried again by itself; nothing is lost`,
    }];
  }
  return [];
}

function ofProject(
  project: ProjectReport,
  report: StatusReport,
  options: AdviceOptions,
): Advice[] {
  const name = `${project.entity}/${project.project}`;
  const where = options.dir === undefined ? "" : ` --dir ${shellWord(options.dir)}`;
  const only = ` --entity ${shellWord(project.entity)} --project ${shellWord(project.project)}`;
  const advice: Advice[] = [];
  const add = (level: Advice["level"], kind: string, message: string, command?: string): void => {
    const line = command === undefined ? {} : { command: `weave-wal ${command}${where}` };
    advice.push({ level, name: kind, project: name, message, ...line });
  };
  const waiting = project.segments.filter(({ pendingBytes }) => pendingBytes > 0);
  const servers = new Set(waiting.map(({ state }) => state.writer.server));
  for (const server of servers) {
    if (server === null || server === options.server) continue;
    const records = waiting.filter(({ state }) => state.writer.server === server)
      .reduce((sum, { pendingRecords }) => sum + pendingRecords, 0);
    add(
      "info",
      "other-server",
      `${plural(records, "record")} for another server: ${printable(server)}`,
      `flush --server ${shellWord(server)}${only}`,
    );
  }
  if (senderStateOf(project, report.senders).state === "nobody") {
    const writers = writersOf(project);
    const alive = writers.get("alive") ?? [];
    const records = plural(project.pendingRecords, "record");
    if (alive.some(({ sends }) => sends === false)) {
      add(
        "warn",
        "no-sender",
        `${records} with nobody to send them; the writers have their sender off`,
        "flush --follow",
      );
    } else if (alive.some(({ sends }) => sends !== false)) {
      add("info", "not-claimed", `${records} not taken up yet by their own process`);
    } else if (writers.has("elsewhere")) {
      add("info", "elsewhere", `${records} written on another host or in another container`);
    } else {
      add("warn", "left-behind", `${records} left by processes that are gone`, `flush${only}`);
    }
  }
  for (const writer of writersOf(project).get("silent") ?? []) {
    add("warn", "silent-writer", `${partyName(writer)} shows no life: stopped, or stuck`);
  }
  const { deadLetters } = project;
  if (deadLetters.total > 0) {
    const last = deadLetters.last === null ? "" : `, the last: ${quoted(deadLetters.last.message)}`;
    add(
      "error",
      "dead-letters",
      `${plural(deadLetters.total, "dead letter")}${last}`,
      `dead-letters list${only}`,
    );
  }
  const distrusted = project.segments.find(({ state }) => state.checkpoint.distrusted);
  if (distrusted) {
    add(
      "warn",
      "checkpoint",
      `A checkpoint is not trusted, its file is sent from the start: ` +
        `${distrusted.state.checkpoint.distrusted}`,
      `verify${only}`,
    );
  }
  return advice;
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${printable(text).replaceAll("'", "'\\''")}'`;
}
