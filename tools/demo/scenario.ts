/**
 * The server, the folder and the programs of the demo.
 *
 * @module
 */

import process from "node:process";
import { join } from "@std/path";
import type { MockServer } from "../mock_server/serve.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { DemoOptions } from "./demo_options.ts";
import { type FoundFile, logFiles } from "./folders.ts";
import { type PackageFiles, packageFiles } from "./package_files.ts";
import { BROKEN_GLOSSARY } from "./questions.ts";
import type { Output } from "./output.ts";
import { type SeenCall, TracedProgram } from "./traced_program.ts";
import { clip } from "./tree_rows.ts";
import { isWhole } from "./assertions.ts";

/** The project of the traced program. */
export const PROJECT = "demo/library";

/** Environment of a demo run. */
export interface DemoContext {
  readonly options: DemoOptions;
  readonly output: Output;
  /** An empty folder. */
  readonly folder: string;
  /** Ends the demo early. */
  readonly signal: AbortSignal;
}

/** Starts programs, asks questions, and compares their calls with those at the server. */
export class Scenario {
  readonly server: MockServer;
  readonly #context: DemoContext;
  readonly #programs: TracedProgram[] = [];
  readonly #package: PackageFiles;

  private constructor(context: DemoContext, server: MockServer, files: PackageFiles) {
    this.server = server;
    this.#context = context;
    this.#package = files;
  }

  /** Creates the documents for the programs. */
  static async create(context: DemoContext, server: MockServer): Promise<Scenario> {
    const { options: { runtime }, folder } = context;
    const { command, documents } = await packageFiles(import.meta.url, runtime, folder);
    const glossary = join(folder, "glossary.json");
    detectRuntime().files.createExclusive(glossary, BROKEN_GLOSSARY);
    return new Scenario(context, server, { command, documents: [...documents, glossary] });
  }

  /** Starts the traced program. */
  start(): TracedProgram {
    const { options, output, folder, signal } = this.#context;
    let count = 0;
    const program = new TracedProgram({
      command: this.#package.command,
      args: this.#package.documents,
      cwd: folder,
      env: environmentFor(this.server.url, options.wal),
      signal,
      onCall: ({ op }) => output.status(`${++count} calls finished, now ${op}`),
      onStderr: (line) => {
        if (line.startsWith("weave-wal:")) output.line(`  ${output.colors.dim(line)}`);
      },
    });
    this.#programs.push(program);
    return program;
  }

  /** Asks a program and shows its answer. */
  async ask(program: TracedProgram, question: string): Promise<void> {
    const { options, output } = this.#context;
    const { green, dim } = output.colors;
    const paceMs = options.paceMs ?? output.paceMs;
    if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
    const { answer } = await program.ask(question);
    const room = output.width - question.length - 8;
    output.line(`  ${green("✓")} ${question} ${dim(`→ ${clip(answer, room)}`)}`);
  }

  /** Calls that are complete at the server. */
  arrived(seen: readonly SeenCall[]): SeenCall[] {
    const { calls } = this.server.store.project(PROJECT);
    return seen.filter((call) => isWhole(call, calls.get(call.id)));
  }

  /** Shows how many of the calls have arrived. */
  showCounts(seen: readonly SeenCall[]): void {
    const { output } = this.#context;
    const there = this.arrived(seen).length;
    const waiting = seen.length - there;
    output.line(
      `  ${seen.length} calls finished: ${there} at the server` +
        (waiting > 0 ? `, ${output.colors.yellow(`${waiting} undelivered`)}` : ""),
    );
  }

  /** Files in the default log directory. */
  logFiles(): FoundFile[] {
    return logFiles(join(this.#context.folder, ".weave", "wal"));
  }

  /** Kills all running programs. */
  async clear(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
  }
}

/** Environment of the traced program, without variables for other Weave projects. */
function environmentFor(url: string, wal: boolean): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(WEAVE|WANDB|WF)_/.test(name)) env[name] = value;
  }
  return {
    ...env,
    WEAVE_ENABLE_WAL: String(wal),
    WF_TRACE_SERVER_URL: url,
    WANDB_API_KEY: "demo-key",
    WEAVE_PRINT_CALL_LINK: "false",
  };
}
