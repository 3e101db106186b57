/**
 * A simulated machine (or container), as its processes see one another.
 *
 * @module
 */

/** Options for {@linkcode MemoryHost}. */
export interface MemoryHostOptions {
  /** Host name; `"memory"` by default. */
  name?: string;
  /** Boot id; `null` for a host that hides it. */
  bootId?: string | null;
  /** PID namespace; `null` for a host that hides it. */
  pidNamespace?: string | null;
  /** Whether start times can be read; `true` by default. */
  startTimes?: boolean;
}

/**
 * The process table of one PID namespace. Two containers on one machine are two of these with the
 * same boot id and different namespaces.
 */
export class MemoryHost {
  /** Host name. */
  readonly name: string;
  /** PID namespace. */
  readonly pidNamespace: string | null;
  readonly #startTimes: boolean;
  readonly #processes = new Map<number, string>();
  /** Environments that processes were started with, by their ids. */
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

  /** Boot id. */
  get bootId(): string | null {
    return this.#bootId === null || this.#boots === 0
      ? this.#bootId
      : `${this.#bootId}+${this.#boots}`;
  }

  /** Adds a process with the given id, or with a free one. */
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

  /** Whether a process has this id. */
  isAlive(pid: number): boolean {
    return this.#processes.has(pid);
  }

  /** When the process with this id started. */
  startTimeOf(pid: number): string | null {
    return this.#startTimes ? this.#processes.get(pid) ?? null : null;
  }

  /** Begins a new boot: another boot id, ids and start times from the beginning, no processes. */
  reboot(): void {
    this.#boots++;
    this.#processes.clear();
    this.#lastPid = 1000;
    this.#ticks = 0;
  }
}
