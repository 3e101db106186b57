/**
 * Types of scenarios, and their context.
 *
 * @module
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  type Child,
  startChild,
  startCommand,
} from "../../tests/support/processes/child_fixture.ts";
import type { RuntimeName } from "../test/runners.ts";
import { Gate } from "./gate.ts";
import { clientEnvironment } from "./packages.ts";
import type { Plan } from "./programs/plan.ts";
import type { Step, StepReport } from "./programs/steps.ts";
import type { ReadCall, Reader } from "./reader.ts";
import type { TraceServer } from "./trace_server.ts";

/** A calls API: `v1` sends starts and ends to `upsert_batch`, `v2` complete calls to `complete`. */
export type Api = "v1" | "v2";

/** The outcome of a run, for the table. */
export interface Findings {
  /** The written records. */
  readonly sent: string;
  /** The server's data. */
  readonly arrived: string;
  /** Rejections, without duplicates. */
  readonly refused?: readonly string[];
}

/** A dead letter in its file. */
export interface DeadLetter {
  readonly type: string;
  readonly req?: Record<string, unknown>;
  readonly error: { readonly status?: number; readonly message?: string; readonly reason: string };
}

/** One check against the server. It throws if it finds a difference. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** For the table and `--help`. */
  readonly title: string;
  /** Number of runs: for every runtime and API, for every runtime, or once. */
  readonly each: "runtime and API" | "runtime" | "run";
  /** Whether it is part of a quick run on all runtimes (`essential`), or of none (`slow`). */
  readonly weight?: "essential" | "slow";
  run(context: Context): Promise<Findings>;
}

/** State shared by all runs. */
export interface Bench {
  readonly server: TraceServer;
  readonly reader: Reader;
  /** Interpreter of the vendor's Python client. */
  readonly python: string;
}

let projects = 0;

/** Context of one run of a scenario; removed after the run. */
export class Context implements AsyncDisposable {
  readonly bench: Bench;
  readonly runtime: RuntimeName;
  readonly api: Api;
  /** A new project. */
  readonly project: string;
  /** An empty directory. */
  readonly directory: string;
  /** The proxy between the program and the server. */
  readonly gate: Gate;
  readonly #children: Child[] = [];

  private constructor(bench: Bench, runtime: RuntimeName, api: Api, name: string, gate: Gate) {
    this.bench = bench;
    this.runtime = runtime;
    this.api = api;
    this.project = `suite/${name}-${runtime}-${api}-${++projects}`;
    this.directory = mkdtempSync(join(tmpdir(), "weave-wal-conformance-"));
    this.gate = gate;
  }

  /** Creates the context of one run. */
  static async open(bench: Bench, runtime: RuntimeName, api: Api, name: string): Promise<Context> {
    return new Context(bench, runtime, api, name, await Gate.open(bench.server.url));
  }

  /** The plan of a program of this run, extended by `more`. */
  plan<M extends object>(more: M = {} as M): Plan & M {
    return {
      project: this.project,
      serverUrl: this.gate.url,
      walDir: join(this.directory, "wal"),
      api: this.api,
      ...more,
    };
  }

  /** Starts a program of `programs/` on this run's runtime. */
  start(program: string, plan: Plan): Child {
    const path = `../scripts/conformance/programs/${program}`;
    const child = startChild(path, JSON.stringify(plan), { runtime: this.runtime });
    this.#children.push(child);
    return child;
  }

  /** Starts a command in the run's directory, which is also its home. */
  startCommand(command: readonly string[], env: Record<string, string> = {}): Child {
    const child = startCommand(command, {
      cwd: this.directory,
      env: {
        HOME: this.directory,
        // Deno and Bun keep their caches there.
        DENO_DIR: process.env.DENO_DIR ?? join(homedir(), ".cache/deno"),
        ...clientEnvironment(this.gate.url),
        ...env,
      },
    });
    this.#children.push(child);
    return child;
  }

  /** Runs a program to its end and returns its last line. */
  async run<T>(program: string, plan: Plan): Promise<T & { errors: string }> {
    return await this.#lastLine(program, this.start(program, plan));
  }

  /**
   * Runs the steps to their end and returns the last report.
   *
   * @param options `onFlushed`: called with the report of the first flush, while the
   * program continues.
   */
  async steps(
    steps: readonly Step[],
    options: {
      readonly plan?: Partial<Plan>;
      readonly onFlushed?: (report: StepReport) => void | Promise<void>;
    } = {},
  ): Promise<StepReport & { errors: string }> {
    const { plan, onFlushed } = options;
    const child = this.start("steps.ts", this.plan({ steps, ...plan }));
    if (onFlushed) await onFlushed(JSON.parse(await child.line('{"result"')));
    return await this.#lastLine("steps.ts", child);
  }

  /** Dead letters of the run's log. */
  deadLetters(): DeadLetter[] {
    return this.logFiles((path) => path.endsWith(".deadletter")).flatMap(({ text }) =>
      text.trimEnd().split("\n").map((line) => JSON.parse(line))
    );
  }

  /** Files below the run's directory. */
  logFiles(wanted: (path: string) => boolean): { path: string; text: string }[] {
    return readdirSync(this.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter(wanted)
      .map((path) => ({ path, text: readFileSync(path, "utf8") }));
  }

  /** Calls of the run's project, as read by the Python client. */
  calls(): Promise<ReadCall[]> {
    return this.bench.reader.calls(this.project);
  }

  async #lastLine<T>(program: string, child: Child): Promise<T & { errors: string }> {
    const { code, signal, errors } = await child.ended;
    const last = child.lines.filter((line) => line.startsWith("{")).at(-1);
    if (code !== 0 || last === undefined) {
      throw new Error(`${program} ended with ${signal ?? `exit status ${code}`}:\n${errors}`);
    }
    return { ...JSON.parse(last), errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await this.gate[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
