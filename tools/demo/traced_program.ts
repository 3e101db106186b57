/**
 * Runs the traced program as a child process.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { Readable } from "node:stream";
import { hasCode } from "../../src/errors.ts";
import type { ProgramEvent } from "./program/reporter.ts";
import type { Command } from "./runtimes.ts";

/** A call that the program saw finish. */
export type SeenCall = Extract<ProgramEvent, { event: "call" }>;
/** Event when the program is ready for questions. */
export type Ready = Extract<ProgramEvent, { event: "ready" }>;
/** An answer from the program. */
export type Answered = Extract<ProgramEvent, { event: "answer" }>;

/** Options of a program. */
export interface ProgramOptions {
  readonly command: Command;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Called for each finished call. */
  readonly onCall: (call: SeenCall) => void;
  /** Called for each line on standard error. */
  readonly onStderr: (line: string) => void;
  /** Kills the program and rejects all pending promises. */
  readonly signal: AbortSignal;
}

type Listener = (event: ProgramEvent | null) => void;

/** A running traced program. */
export class TracedProgram {
  /** Finished calls, in order. */
  readonly seen: SeenCall[] = [];
  /** Its answers, in order. */
  readonly answers: Answered[] = [];
  /** Resolves when it is ready for questions. */
  readonly ready: Promise<Ready>;
  readonly #options: ProgramOptions;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<Listener>();
  readonly #ended: Promise<number | null>;
  readonly #stderr: string[] = [];
  #pid: number | undefined;

  /** Starts the program. */
  constructor(options: ProgramOptions) {
    this.#options = options;
    const { command, args, cwd, env, signal } = options;
    this.#child = spawn(command.file, [...command.args, ...args], {
      cwd,
      env: { ...env, ...command.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#pid = this.#child.pid;
    onLine(this.#child.stdout!, (line) => this.#hear(line));
    onLine(this.#child.stderr!, (line) => {
      this.#stderr.push(line);
      options.onStderr(line);
    });
    // A killed program does not read its questions.
    this.#child.stdin!.on("error", () => {});
    const onAbort = () => this.#signalKill();
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null) => {
        signal.removeEventListener("abort", onAbort);
        for (const listener of [...this.#listeners]) listener(null);
        resolve(code);
      };
      this.#child.on("error", (error) => {
        this.#stderr.push(
          hasCode(error, "ENOENT")
            ? `Cannot find ${command.file}: install it, or choose another with --runtime`
            : String(error),
        );
        end(null);
      });
      // Emitted after the last line of its output.
      this.#child.on("close", end);
    });
    this.ready = this.#expect("it was ready", (event) => event.event === "ready" ? event : null);
    // It may reject before it is awaited.
    this.ready.catch(() => {});
  }

  /** Asks a question and waits for the answer. */
  async ask(question: string): Promise<Answered> {
    const answer = this.#expect(
      `it answered ${JSON.stringify(question)}`,
      (event) => event.event === "answer" && event.question === question ? event : null,
    );
    this.#child.stdin!.write(`${question}\n`);
    return await answer;
  }

  /**
   * Asks a question, kills the program with SIGKILL once `calls` more calls have finished (or the
   * question is answered), and waits until the program has exited and its output is read.
   */
  async askAndKill(question: string, calls: number): Promise<void> {
    const wanted = this.seen.length + calls;
    const enough = this.#expect(`it saw ${calls} more calls finish`, ({ event }) => {
      if (this.seen.length < wanted && event !== "answer") return null;
      this.#signalKill();
      return true;
    });
    this.#child.stdin!.write(`${question}\n`);
    await enough;
    await this.#ended;
  }

  /** Ends the input of the program, and waits for its exit code. */
  async finish(): Promise<number | null> {
    this.#child.stdin!.end();
    return await this.#ended;
  }

  /** Kills the program if it is running, and waits for its exit. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#signalKill();
    await this.#ended;
  }

  /** Resolves when a line on standard error matches, or after `ms`. */
  async hasLogged(line: RegExp, ms: number): Promise<void> {
    if (this.#stderr.some((text) => line.test(text))) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#child.stderr!.off("data", look);
        resolve();
      };
      const look = () => this.#stderr.some((text) => line.test(text)) && done();
      const timer = setTimeout(done, ms);
      this.#child.stderr!.on("data", look);
    });
  }

  /** The last lines of standard error. */
  get lastStderr(): string {
    return this.#stderr.slice(-8).join("\n");
  }

  #signalKill(): void {
    try {
      if (this.#pid !== undefined) process.kill(this.#pid, "SIGKILL");
    } catch {
      // It has exited.
    }
  }

  #hear(line: string): void {
    const event = parseEvent(line);
    if (event === null) return;
    if (event.event === "ready") {
      // The started process may be a wrapper of the program.
      this.#pid = event.pid;
    } else if (event.event === "call") {
      this.seen.push(event);
      this.#options.onCall(event);
    } else {
      this.answers.push(event);
    }
    for (const listener of [...this.#listeners]) listener(event);
  }

  #expect<T>(what: string, pick: (event: ProgramEvent) => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const listener: Listener = (event) => {
        const picked = event === null ? null : pick(event);
        if (event !== null && picked === null) return;
        this.#listeners.delete(listener);
        if (picked !== null) return resolve(picked);
        reject(new Error(`The traced program ended before ${what}:\n${this.lastStderr}`));
      };
      this.#listeners.add(listener);
    });
  }
}

function parseEvent(line: string): ProgramEvent | null {
  try {
    const event = JSON.parse(line);
    return typeof event?.event === "string" ? event : null;
  } catch {
    // Other output of the program or its runtime.
    return null;
  }
}

/** Calls `take` with every complete line. */
function onLine(stream: Readable, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) take(line);
  });
}
