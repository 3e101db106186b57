/**
 * A child process that communicates in lines of JSON: it reports when it is ready, and
 * may respond to requests.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

/** Bytes of standard error that are kept for error messages. */
const MAX_ERRORS = 20_000;

/** Maximum startup time of a child on a busy machine, ms. */
const START_LIMIT_MS = 4 * 60_000;

/** A line printed by the child. */
export type Line = Record<string, unknown>;

/** A running child. It exits when its standard input is closed. */
export class LineProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #ended: Promise<void>;
  #waiting: { resolve: (line: Line) => void; reject: (error: Error) => void }[] = [];
  #early: Line[] = [];
  #rest = "";
  #errors = "";
  #isOver = false;

  /** Starts `command`; `name` identifies it in messages. */
  constructor(name: string, command: string, args: string[], env: Record<string, string> = {}) {
    this.#name = name;
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...bareEnvironment(), ...env },
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-MAX_ERRORS);
    });
    // Writing to an exited child is reported by its exit.
    this.#child.stdin!.on("error", () => {});
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isOver = true;
        for (const { reject } of this.#waiting) reject(this.#endError());
        this.#waiting = [];
        resolve();
      };
      this.#child.once("error", (error) => {
        this.#errors += String(error);
        end();
      });
      this.#child.once("close", end);
    });
  }

  /** The last part of standard error so far. */
  get errors(): string {
    return this.#errors;
  }

  /** The line that it prints once it has started; stops it if that takes too long. */
  async started(): Promise<Line> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), START_LIMIT_MS);
    try {
      return await this.next();
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next line that it prints; rejects if it exits first. */
  next(): Promise<Line> {
    const early = this.#early.shift();
    if (early !== undefined) return Promise.resolve(early);
    if (this.#isOver) return Promise.reject(this.#endError());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Sends a line and returns the one that it prints next. */
  ask(request: Line): Promise<Line> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    return this.next();
  }

  /** Stops it. */
  async stop(): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      // Libraries print as well.
      if (!line.startsWith("{")) continue;
      const value = JSON.parse(line) as Line;
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve(value);
      else this.#early.push(value);
    }
  }

  #endError(): Error {
    return new Error(`${this.#name} ended:\n${this.#errors.trim()}`);
  }
}

/** The environment without variables that affect the vendor's code. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) =>
    !/^(WANDB_|WEAVE_|WF_|PYTHON)/.test(name)
  );
  return { ...Object.fromEntries(own), PYTHONUNBUFFERED: "1", PYTHONWARNINGS: "ignore" };
}
