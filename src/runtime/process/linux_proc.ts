/**
 * Reads facts about processes under Linux's `/proc`; see proc_pid_stat(5) and namespaces(7).
 *
 * @module
 */

/** Reads under `/proc`; both methods return `null` for what is missing or forbidden. */
export interface ProcReader {
  /** The text of a file. */
  text(path: string): string | null;
  /** The target of a symbolic link. */
  link(path: string): string | null;
}

/** Facts of one process. */
export interface ProcStat {
  /** One character; `Z` and `X` are dead. */
  readonly state: string;
  /** When it started, in clock ticks since boot, as text. */
  readonly startTime: string;
}

/** Parses `/proc/<pid>/stat`; `null` when it does not look like one. */
export function parseStat(text: string): ProcStat | null {
  // The second field is the command in parentheses; it may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(" ");
  const state = fields[0];
  const startTime = fields[19];
  if (!text.includes(")") || !/^[A-Za-z]$/.test(state) || !/^\d+$/.test(startTime ?? "")) {
    return null;
  }
  return { state, startTime };
}

/** Facts of the process `pid`; `null` where they cannot be read. */
export function readStat(proc: ProcReader, pid: number | "self"): ProcStat | null {
  const text = proc.text(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** An environment variable that a process was started with; `undefined` where it is not known. */
export function readVariable(proc: ProcReader, pid: number, name: string): string | undefined {
  const entry = proc.text(`/proc/${pid}/environ`)?.split("\0")
    .find((text) => text.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

/** The id that the kernel drew at boot. */
export function readBootId(proc: ProcReader): string | null {
  return proc.text("/proc/sys/kernel/random/boot_id")?.trim() || null;
}

/** Identity of the PID namespace, such as `pid:[4026531836]`. */
export function readPidNamespace(proc: ProcReader): string | null {
  return proc.link("/proc/self/ns/pid");
}
