/**
 * Reads process information from Linux's `/proc`; see proc_pid_stat(5) and namespaces(7).
 *
 * @module
 */

/** Reads from `/proc`; both methods return `null` for missing or forbidden entries. */
export interface ProcReader {
  /** Returns the text of a file. */
  text(path: string): string | null;
  /** Returns the target of a symbolic link. */
  link(path: string): string | null;
}

/** Information about one process. */
export interface ProcStat {
  /** One character; `Z` and `X` mean dead. */
  readonly state: string;
  /** Start time in clock ticks since boot, as text. */
  readonly startTime: string;
}

/** Parses `/proc/<pid>/stat`; returns `null` if the format is unknown. */
export function parseStat(text: string): ProcStat | null {
  // The second field is the command in parentheses, and may itself contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(" ");
  const state = fields[0];
  const startTime = fields[19];
  if (!text.includes(")") || !/^[A-Za-z]$/.test(state) || !/^\d+$/.test(startTime ?? "")) {
    return null;
  }
  return { state, startTime };
}

/** Reads information about the process `pid`; returns `null` if it cannot be read. */
export function readStat(proc: ProcReader, pid: number | "self"): ProcStat | null {
  const text = proc.text(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** Reads a variable from the initial environment of a process; returns `undefined` if unknown. */
export function readVariable(proc: ProcReader, pid: number, name: string): string | undefined {
  const entry = proc.text(`/proc/${pid}/environ`)?.split("\0")
    .find((text) => text.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

/** Reads the kernel's boot ID. */
export function readBootId(proc: ProcReader): string | null {
  return proc.text("/proc/sys/kernel/random/boot_id")?.trim() || null;
}

/** Reads the identity of the PID namespace, such as `pid:[4026531836]`. */
export function readPidNamespace(proc: ProcReader): string | null {
  return proc.link("/proc/self/ns/pid");
}
