/**
 * The demo's story: trace, lose the server, be killed, come back.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { basename, dirname, join } from "@std/path";
import type { CallRecord } from "../mock/call_store.ts";
import { type MockServer, startMockServer } from "../mock/serve.ts";
import { detectRuntime } from "../runtime/host.ts";
import type { DemoOptions } from "./demo_options.ts";
import { documentsOf, logFiles } from "./folders.ts";
import { BROKEN_GLOSSARY, planFor, QUESTIONS } from "./questions.ts";
import { commandFor, packageRoot } from "./runtimes.ts";
import type { Screen } from "./screen.ts";
import { type Answered, type SeenCall, TracedProgram } from "./traced_program.ts";
import { clip } from "./tree_rows.ts";
import { isWhole, judge, type Verdict } from "./verdict.ts";

/** The project that the traced program names. */
const PROJECT = "demo/library";
/** Most ms to wait for the first call at a server that is up. */
const ARRIVAL_MS = 30_000;
/** Most ms to wait until the program has noticed that the server is down. */
const NOTICE_MS = 3_000;

/** What the story is told with. */
export interface StoryParts {
  readonly options: DemoOptions;
  readonly screen: Screen;
  /** An empty folder. */
  readonly folder: string;
  /** Ends the story early. */
  readonly signal: AbortSignal;
}

/** How things stood when the first process was dead. */
export interface AtKill {
  /** Calls that the program had seen finish. */
  readonly seen: number;
  /** How many of them the server had. */
  readonly delivered: number;
  /** How many were nowhere but in the log, if there is one. */
  readonly undelivered: number;
  /** Files and bytes in the log directory. */
  readonly logFiles: number;
  readonly logBytes: number;
  /** The question that it was at. */
  readonly question: string;
}

/** What came of it. */
export interface StoryResult extends Verdict {
  readonly atKill: AtKill;
  readonly answers: readonly Answered[];
  /** Calls as the server has them. */
  readonly calls: readonly CallRecord[];
  /** Ids of calls that reached the server after their process was dead. */
  readonly fromTheLogIds: ReadonlySet<string>;
  /** The ids of both processes. */
  readonly pids: readonly number[];
  /** When the second process was started, epoch ms. */
  readonly restartedAt: number;
}

/** Plays the story to its end. */
export async function playStory(parts: StoryParts): Promise<StoryResult> {
  await using server = await startMockServer();
  const programs: TracedProgram[] = [];
  try {
    return await play(parts, server, programs);
  } catch (error) {
    // What ended the story early says more than what broke by it.
    parts.signal.throwIfAborted();
    throw error;
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
  }
}

async function play(
  { options, screen, folder, signal }: StoryParts,
  server: MockServer,
  programs: TracedProgram[],
): Promise<StoryResult> {
  const { colors } = screen;
  const plan = planFor(options.seed);
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)));
  const walDir = join(folder, ".weave", "wal");
  const entry = import.meta.url.endsWith(".ts") ? "main.ts" : "main.js";
  const command = commandFor(
    options.runtime,
    fileURLToPath(new URL(`./program/${entry}`, import.meta.url)),
    root,
  );
  const glossary = join(folder, "glossary.json");
  detectRuntime().files.createExclusive(glossary, BROKEN_GLOSSARY);
  const arrived = (seen: readonly SeenCall[]) => {
    const { calls } = server.store.project(PROJECT);
    return seen.filter((call) => isWhole(call, calls.get(call.id)));
  };
  const start = () => {
    let count = 0;
    const program = new TracedProgram({
      command,
      args: [...documentsOf(root), glossary],
      cwd: folder,
      env: environmentFor(server.url, options.wal),
      signal,
      onCall: ({ op }) => screen.status(`${++count} calls seen, now ${op}`),
      onSaid: (line) => {
        if (line.startsWith("weave-wal:")) screen.line(`  ${colors.dim(line)}`);
      },
    });
    programs.push(program);
    return program;
  };
  const ask = async (program: TracedProgram, question: string) => {
    const paceMs = options.paceMs ?? screen.paceMs;
    if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
    const { answer } = await program.ask(question);
    const room = screen.width - question.length - 8;
    screen.line(`  ${colors.green("✓")} ${question} ${colors.dim(`→ ${clip(answer, room)}`)}`);
  };
  const showCounts = (seen: readonly SeenCall[]) => {
    const there = arrived(seen).length;
    const waiting = seen.length - there;
    screen.line(
      `  ${seen.length} calls seen to finish: ${there} at the server` +
        (waiting > 0 ? `, ${colors.yellow(`${waiting} undelivered`)}` : ""),
    );
  };

  screen.section("The server is up, the program traces");
  const first = start();
  const ready = await first.ready;
  screen.line(
    `  ${ready.documents} documents read: ${ready.passages} passages, ${ready.terms} words indexed`,
  );
  for (const name of ready.skipped) {
    screen.line(`  ${colors.red("✗")} does not parse: ${basename(name)}`);
  }
  const questions = [...QUESTIONS];
  for (let n = 0; n < plan.calm; n++) await ask(first, questions.shift()!);
  await server.waitFor(() => arrived(first.seen).length > 0, { timeout: ARRIVAL_MS });
  showCounts(first.seen);

  screen.section("The server goes down, the program goes on");
  await server.stop();
  await ask(first, questions.shift()!);
  // It goes on whether it has noticed or not; this only lets people see that it has.
  await first.hasSaid(/^weave-wal: Cannot deliver/, NOTICE_MS);
  for (let n = 1; n < plan.outage; n++) await ask(first, questions.shift()!);
  showCounts(first.seen);

  screen.section("SIGKILL, in the middle of a question");
  await first.askAndKill(questions[0], plan.killAfterCalls);
  const answeredLate = first.answers.find(({ question }) => question === questions[0]);
  if (answeredLate) questions.shift();
  const left = logFiles(walDir);
  const delivered = arrived(first.seen);
  const undelivered = first.seen.length - delivered.length;
  const atKill: AtKill = {
    seen: first.seen.length,
    delivered: delivered.length,
    undelivered,
    logFiles: left.length,
    logBytes: left.reduce((sum, { size }) => sum + size, 0),
    question: answeredLate?.question ?? questions[0],
  };
  screen.line(
    answeredLate
      ? `  ${colors.green("✓")} ${atKill.question} ${colors.dim("→ answered just before")}`
      : `  ${colors.red("✗")} ${atKill.question} ${colors.dim("→ never answered")}`,
  );
  showCounts(first.seen);
  screen.line(
    left.length > 0
      ? `  left on disk: ${(atKill.logBytes / 1024).toFixed(0)} KiB of log`
      : `  ${colors.red("left on disk: nothing")}`,
  );

  screen.section("The server is back, the program starts again");
  await server.restart();
  const restartedAt = Date.now();
  const second = start();
  const again = await second.ready;
  screen.line(
    `  ${again.passages} passages indexed ${again.resumed ? "by the first process" : "anew"}`,
  );
  for (const question of questions) await ask(second, question);
  const exitCode = await second.finish();
  if (exitCode !== 0) {
    screen.line(colors.red(`  The program ended with code ${exitCode}:\n${second.lastWords}`));
  }

  const seen = [...first.seen, ...second.seen];
  const before = new Set(delivered.map(({ id }) => id));
  const fromTheLogIds = new Set(
    arrived(first.seen).filter(({ id }) => !before.has(id)).map(({ id }) => id),
  );
  const calls = server.store.calls(PROJECT);
  const leftover = logFiles(walDir);
  return {
    ...judge({ server, calls, seen, fromTheLog: fromTheLogIds, leftover, exitCode }),
    atKill,
    answers: [...first.answers, ...second.answers],
    calls,
    fromTheLogIds,
    pids: [ready.pid, again.pid],
    restartedAt,
  };
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
