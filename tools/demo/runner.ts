/**
 * The demo's story: trace, lose the server, be killed, come back.
 *
 * @module
 */

import { basename } from "@std/path";
import type { CallRecord } from "../mock_server/call_store.ts";
import { startMockServer } from "../mock_server/serve.ts";
import { planFor, QUESTIONS } from "./questions.ts";
import { PROJECT, Stage, type StoryParts } from "./scenario.ts";
import type { Answered, Ready, TracedProgram } from "./traced_program.ts";
import { judge, type Verdict } from "./assertions.ts";

/** Most ms to wait for the first call at a server that is up. */
const ARRIVAL_MS = 30_000;
/** Most ms to wait until the program has noticed that the server is down. */
const NOTICE_MS = 3_000;

/** How things stood when the first process was dead. */
export interface AtKill {
  /** Calls that the program had seen finish. */
  readonly seen: number;
  /** How many of them the server had. */
  readonly delivered: number;
  /** How many were nowhere but in the log, if there is one. */
  readonly undelivered: number;
  /** Calls that the program saw finish while the server was down; none of them can be delivered. */
  readonly duringOutage: number;
  /** Files in the log directory. */
  readonly logFiles: number;
  /** Their bytes. */
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
  const stage = await Stage.set(parts, server);
  try {
    return await play(parts, stage);
  } catch (error) {
    // What ended the story early says more than what broke by it.
    parts.signal.throwIfAborted();
    throw error;
  } finally {
    await stage.clear();
  }
}

async function play(parts: StoryParts, stage: Stage): Promise<StoryResult> {
  const { screen, options } = parts;
  const { server } = stage;
  const plan = planFor(options.seed);
  const questions = [...QUESTIONS];

  screen.section("The server is up, the program traces");
  const first = stage.start();
  const ready = await first.ready;
  showReady(parts, ready);
  for (let n = 0; n < plan.calm; n++) await stage.ask(first, questions.shift()!);
  await server.waitFor(() => stage.arrived(first.seen).length > 0, { timeout: ARRIVAL_MS });
  stage.showCounts(first.seen);

  screen.section("The server goes down, the program goes on");
  await server.stop();
  const seenBefore = first.seen.length;
  await stage.ask(first, questions.shift()!);
  // It goes on whether it has noticed or not; this only lets people see that it has.
  await first.hasSaid(/^weave-wal: Cannot deliver/, NOTICE_MS);
  for (let n = 1; n < plan.outage; n++) await stage.ask(first, questions.shift()!);
  stage.showCounts(first.seen);

  screen.section("SIGKILL takes the program");
  await first.askAndKill(questions[0], plan.killAfterCalls);
  const delivered = new Set(stage.arrived(first.seen).map(({ id }) => id));
  const atKill: AtKill = {
    seen: first.seen.length,
    delivered: delivered.size,
    undelivered: first.seen.length - delivered.size,
    duringOutage: first.seen.length - seenBefore,
    ...examine(parts, stage, first, questions[0]),
  };
  if (isAnswered(first, questions[0])) questions.shift();

  screen.section("The server is back, the program starts again");
  await server.restart();
  const restartedAt = Date.now();
  const second = stage.start();
  const again = await second.ready;
  const by = again.resumed ? "by the first process" : "anew";
  screen.line(`  ${again.passages} passages, indexed ${by}`);
  for (const question of questions) await stage.ask(second, question);
  const exitCode = await second.finish();
  if (exitCode !== 0) {
    screen.line(`  The program ended with code ${exitCode}:\n${second.lastWords}`);
  }

  const arrivedLate = stage.arrived(first.seen).filter(({ id }) => !delivered.has(id));
  const fromTheLogIds = new Set(arrivedLate.map(({ id }) => id));
  const calls = server.store.calls(PROJECT);
  return {
    ...judge({
      server,
      calls,
      seen: [...first.seen, ...second.seen],
      fromTheLog: fromTheLogIds,
      leftover: stage.logFiles(),
      exitCode,
    }),
    atKill,
    answers: [...first.answers, ...second.answers],
    calls,
    fromTheLogIds,
    pids: [ready.pid, again.pid],
    restartedAt,
  };
}

function showReady({ screen }: StoryParts, ready: Ready): void {
  const { documents, passages, terms, skipped } = ready;
  screen.line(`  ${documents} documents read: ${passages} passages, ${terms} words indexed`);
  for (const name of skipped) {
    const { red, dim } = screen.colors;
    const why = dim("(broken on purpose, to trace an error)");
    screen.line(`  ${red("✗")} does not parse: ${basename(name)} ${why}`);
  }
}

/** Looks at what the dead process left. */
function examine(
  { screen }: StoryParts,
  stage: Stage,
  program: TracedProgram,
  question: string,
): Pick<AtKill, "logFiles" | "logBytes" | "question"> {
  const { red, green, dim } = screen.colors;
  const files = stage.logFiles();
  const logBytes = files.reduce((sum, { size }) => sum + size, 0);
  screen.line(
    isAnswered(program, question)
      ? `  ${green("✓")} ${question} ${dim("→ answered just before")}`
      : `  ${red("✗")} ${question} ${dim("→ never answered")}`,
  );
  stage.showCounts(program.seen);
  screen.line(
    logBytes > 0
      ? `  left on disk: ${(logBytes / 1024).toFixed(0)} KiB of log`
      : `  ${red("left on disk: nothing")}`,
  );
  return { logFiles: files.length, logBytes, question };
}

function isAnswered(program: TracedProgram, question: string): boolean {
  return program.answers.some((answer) => answer.question === question);
}
