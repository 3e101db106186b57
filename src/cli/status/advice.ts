/**
 * What is wrong, and what to do about it.
 *
 * @module
 */

import type { Writer } from "../../wal/ownership/segment_status.ts";
import type { SenderView } from "../../wal/ownership/sender_status.ts";
import { formatDuration, plural, printable, quoted } from "../terminal/format.ts";
import { partyName } from "./sender_state.ts";
import type { ProjectReport, StatusReport } from "./report.ts";
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

/** Ms for which the last error of a sender that is well again is worth a line. */
const RECENT_MS = 3_600_000;

/** Reads a report. */
export function adviseOn(report: StatusReport, options: AdviceOptions): Advice[] {
  return [
    ...report.senders.flatMap((note) => ofSender(note, report.at)),
    ...report.projects.flatMap((project) => ofProject(project, options)),
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
  const { lastError } = note;
  if (lastError === null || now - lastError.at > RECENT_MS) return [];
  return [{
    level: "info",
    name: "last-error",
    message: `${who} sends; its last trouble, ${formatDuration(now - lastError.at)} ago: ` +
      printable(lastError.message),
  }];
}

function ofProject(project: ProjectReport, options: AdviceOptions): Advice[] {
  const name = `${project.entity}/${project.project}`;
  const where = options.dir === undefined ? "" : ` --dir ${shellWord(options.dir)}`;
  const only = ` --entity ${shellWord(project.entity)} --project ${shellWord(project.project)}`;
  const advice: Advice[] = [];
  const add = (level: Advice["level"], kind: string, message: string, command?: string): void => {
    const line = command === undefined ? {} : { command: `weave-wal ${command}${where}` };
    advice.push({ level, name: kind, project: name, message, ...line });
  };
  for (const { server, records, level, kind, message, command } of unsent(project)) {
    const isOther = server !== null && server !== options.server;
    const forWhom = isOther ? ` for ${printable(server)}` : "";
    const help = command && `${command}${isOther ? ` --server ${shellWord(server)}` : ""}`;
    add(
      level,
      kind,
      `${plural(records, "record")}${forWhom} ${message}`,
      help && (help.includes("--follow") ? help : help + only),
    );
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

interface Unsent {
  readonly server: string | null;
  readonly records: number;
  readonly level: Advice["level"];
  readonly kind: string;
  readonly message: string;
  readonly command?: string;
}

/** What waits and is held by no sender, by server. */
function unsent(project: ProjectReport): Unsent[] {
  const segments = project.segments.filter(({ state, pendingBytes }) =>
    pendingBytes > 0 && (state.claim === null || state.claim.standing === "dead")
  );
  return [...new Set(segments.map(({ state }) => state.writer.server))].map((server) => {
    const ofServer = segments.filter(({ state }) => state.writer.server === server);
    const records = ofServer.reduce((sum, { pendingRecords }) => sum + pendingRecords, 0);
    const has = (wanted: (writer: Writer) => boolean): boolean =>
      ofServer.some(({ state: { writer } }) => wanted(writer));
    const rest = { server, records };
    if (has(({ standing, sends }) => standing === "alive" && sends === false)) {
      const message = "with nobody to send them: the writers have their sender off";
      return { ...rest, level: "warn", kind: "no-sender", message, command: "flush --follow" };
    }
    if (has(({ standing, sends }) => standing === "alive" && sends !== false)) {
      const message = "not taken up yet by their own process";
      return { ...rest, level: "info", kind: "not-taken-up", message };
    }
    if (has(({ standing }) => standing === "elsewhere" || standing === "silent")) {
      const names = [...new Set(ofServer.map(({ state }) => partyName(state.writer)))];
      const message = `of ${printable(names.slice(0, 3).join(", "))}${
        names.length > 3 ? " and others" : ""
      }, which cannot be asked: on another host, in a container, or stopped`;
      return { ...rest, level: "info", kind: "elsewhere", message, command: "flush" };
    }
    const message = "left by processes that are gone";
    return { ...rest, level: "warn", kind: "left-behind", message, command: "flush" };
  });
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${printable(text).replaceAll("'", "'\\''")}'`;
}
