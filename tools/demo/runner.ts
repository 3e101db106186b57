/**
 * The steps of the demo: trace, outage, kill, restart.
 *
 * @module
 */

import { basename } from "@std/path";
import type { CallRecord } from "../mock_server/store/call_store.ts";
import { startMockServer } from "../mock_server/serve.ts";
import { QUESTIONS, scheduleFor } from "./questions.ts";
import { type DemoContext, PROJECT, Scenario } from "./scenario.ts";
import type { Answered, Ready, TracedProgram } from "./traced_program.ts";
import { checkOutcome, type Outcome } from "./assertions.ts";

/** Time limit (ms) for the first call to arrive. */
const ARRIVAL_MS = 30_000;
/** Time limit (ms) for the program to notice that the server is down. */
const NOTICE_MS = 3_000;

/** State after the first process was killed. */
export interface AtKill {
  /** Calls that the program had seen finish. */
  readonly seen: number;
  /** Number of these calls that the server had. */
  readonly delivered: number;
  /** Number of calls that were only in the log, if there is one. */
  readonly undelivered: number;
  /** Calls that finished during the outage and cannot have been delivered. */
  readonly duringOutage: number;
  /** Files in the log directory. */
  readonly logFiles: number;
  /** Their size in bytes. */
  readonly logBytes: number;
  /** The question that was being answered. */
  readonly question: string;
}

/** Result of the demo. */
export interface DemoResult extends Outcome {
  readonly atKill: AtKill;
  readonly answers: readonly Answered[];
  /** All calls at the server. */
  readonly calls: readonly CallRecord[];
  /** Ids of calls that reached the server after their process was killed. */
  readonly fromTheLogIds: ReadonlySet<string>;
  /** PIDs of both processes. */
  readonly pids: readonly number[];
  /** Start time of the second process, epoch ms. */
  readonly restartedAt: number;
}

/** Runs all steps. */
export async function runScenario(context: DemoContext): Promise<DemoResult> {
  await using server = await startMockServer();
  const scenario = await Scenario.create(context, server);
  try {
    return await play(context, scenario);
  } catch (error) {
    // The reason of the abort is more useful than errors that follow from it.
    context.signal.throwIfAborted();
    throw error;
  } finally {
    await scenario.clear();
  }
}

async function play(context: DemoContext, scenario: Scenario): Promise<DemoResult> {
  const { output, options } = context;
  const { server } = scenario;
  const schedule = scheduleFor(options.seed);
  const questions = [...QUESTIONS];

  output.section("The program runs, the server is up");
  const first = scenario.start();
  const ready = await first.ready;
  showReady(context, ready);
  for (let n = 0; n < schedule.beforeOutage; n++) await scenario.ask(first, questions.shift()!);
  await server.waitFor(() => scenario.arrived(first.seen).length > 0, { timeout: ARRIVAL_MS });
  scenario.showCounts(first.seen);

  output.section("The server goes down, the program continues");
  await server.stop();
  const seenBefore = first.seen.length;
  await scenario.ask(first, questions.shift()!);
  // The program does not need to notice. Waiting shows its log message at the right place.
  await first.hasLogged(/^weave-wal: Cannot deliver/, NOTICE_MS);
  for (let n = 1; n < schedule.outage; n++) await scenario.ask(first, questions.shift()!);
  scenario.showCounts(first.seen);

  output.section("The program is killed with SIGKILL");
  await first.askAndKill(questions[0], schedule.killAfterCalls);
  const delivered = new Set(scenario.arrived(first.seen).map(({ id }) => id));
  const atKill: AtKill = {
    seen: first.seen.length,
    delivered: delivered.size,
    undelivered: first.seen.length - delivered.size,
    duringOutage: first.seen.length - seenBefore,
    ...examine(context, scenario, first, questions[0]),
  };
  if (isAnswered(first, questions[0])) questions.shift();

  output.section("The server and the program start again");
  await server.restart();
  const restartedAt = Date.now();
  const second = scenario.start();
  const again = await second.ready;
  const by = again.resumed ? "by the first process" : "again";
  output.line(`  ${again.passages} passages, indexed ${by}`);
  for (const question of questions) await scenario.ask(second, question);
  const exitCode = await second.finish();
  if (exitCode !== 0) {
    output.line(`  The program ended with code ${exitCode}:\n${second.lastStderr}`);
  }

  const arrivedLate = scenario.arrived(first.seen).filter(({ id }) => !delivered.has(id));
  const fromTheLogIds = new Set(arrivedLate.map(({ id }) => id));
  const calls = server.store.calls(PROJECT);
  return {
    ...checkOutcome({
      server,
      calls,
      seen: [...first.seen, ...second.seen],
      fromTheLog: fromTheLogIds,
      leftover: scenario.logFiles(),
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

function showReady({ output }: DemoContext, ready: Ready): void {
  const { documents, passages, terms, skipped } = ready;
  output.line(`  ${documents} documents read: ${passages} passages, ${terms} words indexed`);
  for (const name of skipped) {
    const { red, dim } = output.colors;
    const why = dim("(truncated on purpose, to trace an error)");
    output.line(`  ${red("✗")} cannot parse ${basename(name)} ${why}`);
  }
}

/** Shows the state that the killed process left. */
function examine(
  { output }: DemoContext,
  scenario: Scenario,
  program: TracedProgram,
  question: string,
): Pick<AtKill, "logFiles" | "logBytes" | "question"> {
  const { red, green, dim } = output.colors;
  const files = scenario.logFiles();
  const logBytes = files.reduce((sum, { size }) => sum + size, 0);
  output.line(
    isAnswered(program, question)
      ? `  ${green("✓")} ${question} ${dim("→ answered just before the kill")}`
      : `  ${red("✗")} ${question} ${dim("→ interrupted")}`,
  );
  scenario.showCounts(program.seen);
  output.line(
    logBytes > 0
      ? `  left on disk: ${(logBytes / 1024).toFixed(0)} KiB of log`
      : `  ${red("left on disk: nothing")}`,
  );
  return { logFiles: files.length, logBytes, question };
}

function isAnswered(program: TracedProgram, question: string): boolean {
  return program.answers.some((answer) => answer.question === question);
}
