/**
 * An in-memory runtime: a simulated process on a simulated disk and host, with virtual
 * time.
 *
 * @module
 */

import { MemoryClock } from "./memory_clock.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { MemoryFiles } from "./memory_files.ts";
import { MemoryHost } from "./memory_host.ts";
import { MEMORY_USER } from "./memory_names.ts";
import { FaultInjector, type MemoryFaultHook, type Schedule } from "./memory_process.ts";
import type { Clock, Need, ProcessInfo, Runtime, Timer } from "../../../src/runtime/runtime.ts";

/** Options for {@linkcode MemoryRuntime}. */
export interface MemoryRuntimeOptions {
  /** The disk, which processes can share; a new one by default. */
  disk?: MemoryDisk;
  /** The host, shared by processes that see each other; a new one by default. */
  host?: MemoryHost;
  /** The clock, which processes can share; a new one by default. */
  clock?: MemoryClock;
  /** The PID; the next free one of the host by default. */
  pid?: number;
  /** The environment. */
  env?: Record<string, string>;
  /** The working directory (default: `/`). It is not created. */
  cwd?: string;
  /** The home directory. */
  home?: string;
  /** Makes operations fail; can be changed later. */
  fault?: MemoryFaultHook;
  /** Completes asynchronous reads and syncs; `queueMicrotask` by default. */
  schedule?: Schedule;
}

/**
 * A simulated process. Once it is killed or has exited, its operations throw errors with code
 * `ESIMKILLED`, its timers never fire, and its pending promises never settle.
 *
 * @example
 * ```ts
 * import { MemoryDisk } from "./memory_disk.ts";
 * import { MemoryRuntime } from "./memory.ts";
 *
 * const disk = new MemoryDisk();
 * const first = new MemoryRuntime({ disk });
 * first.files.openAppend("/log").write("one\n");
 * first.kill();
 * const second = new MemoryRuntime({ disk });
 * console.assert(second.files.readText("/log") === "one\n");
 * ```
 */
export class MemoryRuntime implements Runtime {
  readonly name = "memory";
  readonly files: MemoryFiles;
  readonly process: ProcessInfo;
  readonly clock: Clock;
  /** The disk under this process. */
  readonly disk: MemoryDisk;
  /** The host around this process. */
  readonly host: MemoryHost;
  /** The clock behind {@linkcode clock}, for moving the time. */
  readonly time: MemoryClock;
  /** The environment; can be changed. */
  readonly env: Record<string, string>;
  /** Permissions granted by the host; all by default. */
  allows: (need: Need) => boolean = () => true;
  readonly #faults: FaultInjector;
  readonly #timers = new Set<Timer>();
  readonly #natural = new Set<() => Promise<void>>();
  readonly #last = new Set<() => void>();

  constructor(options: MemoryRuntimeOptions = {}) {
    this.disk = options.disk ?? new MemoryDisk();
    this.host = options.host ?? new MemoryHost();
    this.time = options.clock ?? new MemoryClock();
    this.env = options.env ?? {};
    const cwd = options.cwd ?? "/";
    this.#faults = new FaultInjector(options.fault, options.schedule ?? queueMicrotask);
    this.clock = this.#ownClock();
    this.files = new MemoryFiles(this.disk, this.#faults, this.clock, cwd);
    this.process = this.#facts(this.host.start(options.pid), cwd, options.home);
    this.host.environments.set(this.process.pid, this.env);
    this.disk.attach(this);
  }

  /** Makes operations fail. */
  get fault(): MemoryFaultHook | undefined {
    return this.#faults.fault;
  }
  set fault(hook: MemoryFaultHook | undefined) {
    this.#faults.fault = hook;
  }

  /** Whether the process has ended. */
  get dead(): boolean {
    return this.#faults.dead;
  }

  /** Ends the process at once, as SIGKILL does. Its written bytes stay readable. */
  kill(): void {
    if (this.dead) return;
    this.#faults.close();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.host.end(this.process.pid);
    this.disk.detach(this);
  }

  /** Ends the process as `process.exit()` does: the exit listeners run, then nothing else. */
  exit(): void {
    if (this.dead) return;
    for (const listener of this.#last) {
      try {
        listener();
      } catch {
        // As on a real host, the exit continues.
      }
    }
    this.kill();
  }

  /** Ends a process with nothing left to do: awaits its listeners, then exits. */
  async exitNaturally(): Promise<void> {
    const listeners = [...this.#natural];
    this.#natural.clear();
    await Promise.allSettled(listeners.map(async (listener) => await listener()));
    this.exit();
  }

  #ownClock(): Clock {
    const time = this.time;
    return {
      now: () => time.now(),
      monotonic: () => time.monotonic(),
      after: (ms, run) => {
        if (this.dead) return { cancel: () => {} };
        const timer = time.after(ms, () => {
          this.#timers.delete(timer);
          run();
        });
        this.#timers.add(timer);
        return {
          cancel: () => {
            this.#timers.delete(timer);
            timer.cancel();
          },
        };
      },
    };
  }

  #facts(pid: number, cwd: string, home: string | undefined): ProcessInfo {
    const host = this.host;
    return {
      pid,
      startTime: host.startTimeOf(pid),
      bootId: host.bootId,
      pidNamespace: host.pidNamespace,
      host: host.name,
      system: { runtime: "memory" },
      user: MEMORY_USER,
      findProcess: (other) => host.isAlive(other) ? { startTime: host.startTimeOf(other) } : null,
      variableOf: (other, name) => host.environments.get(other)?.[name],
      env: (name) => this.env[name] || undefined,
      envNames: () => Object.keys(this.env).filter((name) => this.env[name]),
      allows: (need) => this.allows(need),
      cwd: () => cwd,
      home: () => home,
      onBeforeExit: (listener) => listen(this.#natural, listener),
      onExit: (listener) => listen(this.#last, listener),
    };
  }
}

function listen<Listener extends (...none: never[]) => unknown>(
  listeners: Set<Listener>,
  listener: Listener,
): () => void {
  const own = ((...none) => listener(...none)) as Listener;
  listeners.add(own);
  return () => void listeners.delete(own);
}
