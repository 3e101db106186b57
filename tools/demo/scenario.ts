/**
 * The stage of the demo's story: the server, the folder, and the programs that come and go.
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
import type { Screen } from "./output.ts";
import { type SeenCall, TracedProgram } from "./traced_program.ts";
import { clip } from "./tree_rows.ts";
import { isWhole } from "./assertions.ts";

/** The project that the traced program names. */
export const PROJECT = "demo/library";

/** What the story is told with. */
export interface StoryParts {
  readonly options: DemoOptions;
  readonly screen: Screen;
  /** An empty folder. */
  readonly folder: string;
  /** Ends the story early. */
  readonly signal: AbortSignal;
}

/** Starts programs, asks them, and compares what they saw with what the server has. */
export class Stage {
  readonly server: MockServer;
  readonly #parts: StoryParts;
  readonly #programs: TracedProgram[] = [];
  readonly #package: PackageFiles;

  private constructor(parts: StoryParts, server: MockServer, files: PackageFiles) {
    this.server = server;
    this.#parts = parts;
    this.#package = files;
  }

  /** Puts the documents where the programs find them. */
  static async set(parts: StoryParts, server: MockServer): Promise<Stage> {
    const { options: { runtime }, folder } = parts;
    const { command, documents } = await packageFiles(import.meta.url, runtime, folder);
    const glossary = join(folder, "glossary.json");
    detectRuntime().files.createExclusive(glossary, BROKEN_GLOSSARY);
    return new Stage(parts, server, { command, documents: [...documents, glossary] });
  }

  /** Starts the traced program. */
  start(): TracedProgram {
    const { options, screen, folder, signal } = this.#parts;
    let count = 0;
    const program = new TracedProgram({
      command: this.#package.command,
      args: this.#package.documents,
      cwd: folder,
      env: environmentFor(this.server.url, options.wal),
      signal,
      onCall: ({ op }) => screen.status(`${++count} calls seen, now ${op}`),
      onSaid: (line) => {
        if (line.startsWith("weave-wal:")) screen.line(`  ${screen.colors.dim(line)}`);
      },
    });
    this.#programs.push(program);
    return program;
  }

  /** Asks a program and shows its answer. */
  async ask(program: TracedProgram, question: string): Promise<void> {
    const { options, screen } = this.#parts;
    const { green, dim } = screen.colors;
    const paceMs = options.paceMs ?? screen.paceMs;
    if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
    const { answer } = await program.ask(question);
    const room = screen.width - question.length - 8;
    screen.line(`  ${green("✓")} ${question} ${dim(`→ ${clip(answer, room)}`)}`);
  }

  /** Those of the calls that the server has, whole. */
  arrived(seen: readonly SeenCall[]): SeenCall[] {
    const { calls } = this.server.store.project(PROJECT);
    return seen.filter((call) => isWhole(call, calls.get(call.id)));
  }

  /** Shows how many of the calls the server has. */
  showCounts(seen: readonly SeenCall[]): void {
    const { screen } = this.#parts;
    const there = this.arrived(seen).length;
    const waiting = seen.length - there;
    screen.line(
      `  ${seen.length} calls seen to finish: ${there} at the server` +
        (waiting > 0 ? `, ${screen.colors.yellow(`${waiting} undelivered`)}` : ""),
    );
  }

  /** What lies in the log directory, which is where it is unless somebody says otherwise. */
  logFiles(): FoundFile[] {
    return logFiles(join(this.#parts.folder, ".weave", "wal"));
  }

  /** Kills every program that still runs. */
  async clear(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
  }
}

/** The environment of the traced program: nothing that was set for another Weave project. */
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
