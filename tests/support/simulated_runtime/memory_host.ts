/**
 * A simulated machine (or container), as its processes see it.
 *
 * @module
 */

/** Options for {@linkcode MemoryHost}. */
export interface MemoryHostOptions {
  /** Host name (default: `"memory"`). */
  name?: string;
  /** Boot ID; `null` for a host that hides it. */
  bootId?: string | null;
  /** PID namespace; `null` for a host that hides it. */
  pidNamespace?: string | null;
  /** Whether start times can be read (default: `true`). */
  startTimes?: boolean;
}

/**
 * The process table of one PID namespace. Two containers on one machine are two hosts
 * with the same boot ID and different namespaces.
 */
export class MemoryHost {
  /** Host name. */
  readonly name: string;
  /** PID namespace. */
  readonly pidNamespace: string | null;
  readonly #startTimes: boolean;
  readonly #processes = new Map<number, string>();
  /** Initial environments of processes, by PID. */
  readonly environments: Map<number, Readonly<Record<string, string>>> = new Map();
  #bootId: string | null;
  #boots = 0;
  #lastPid = 1000;
  #ticks = 0;

  constructor(options: MemoryHostOptions = {}) {
    this.name = options.name ?? "memory";
    this.pidNamespace = options.pidNamespace === undefined ? "pid:[1]" : options.pidNamespace;
    this.#bootId = options.bootId === undefined ? "boot" : options.bootId;
    this.#startTimes = options.startTimes ?? true;
  }

  /** Boot ID. */
  get bootId(): string | null {
    return this.#bootId === null || this.#boots === 0
      ? this.#bootId
      : `${this.#bootId}+${this.#boots}`;
  }

  /** Adds a process with the given PID, or a free one. */
  start(pid?: number): number {
    const id = pid ?? ++this.#lastPid;
    if (this.#processes.has(id)) throw new Error(`Cannot start a process under a taken id: ${id}`);
    this.#lastPid = Math.max(this.#lastPid, id);
    this.#processes.set(id, String(++this.#ticks));
    return id;
  }

  /** Removes a process. */
  end(pid: number): void {
    this.#processes.delete(pid);
    this.environments.delete(pid);
  }

  /** Whether a process has this PID. */
  isAlive(pid: number): boolean {
    return this.#processes.has(pid);
  }

  /** Start time of the process with this PID. */
  startTimeOf(pid: number): string | null {
    return this.#startTimes ? this.#processes.get(pid) ?? null : null;
  }

  /** Reboots: new boot ID, PIDs and start times from the beginning, no processes. */
  reboot(): void {
    this.#boots++;
    this.#processes.clear();
    this.#lastPid = 1000;
    this.#ticks = 0;
  }
}
