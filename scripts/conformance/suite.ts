/**
 * Runs scenarios and collects the outcomes.
 *
 * @module
 */

import type { RuntimeName } from "../test/runners.ts";
import { type Api, type Bench, Context, type Findings, type Scenario } from "./scenario.ts";

/** One run of a scenario. */
export interface Run {
  readonly scenario: Scenario;
  readonly runtime: RuntimeName;
  readonly api: Api;
}

/** The outcome of a run. */
export interface Outcome extends Run {
  readonly findings?: Findings;
  /** Why it failed. */
  readonly error?: unknown;
  readonly ms: number;
  /** Whether it passed only on the second run. */
  readonly isFlaky?: boolean;
}

/** Whether a run found a difference, or ended before it could check for one. */
export function isFailed({ error, findings }: Outcome): boolean {
  return error !== undefined || findings === undefined;
}

const APIS: readonly Api[] = ["v1", "v2"];

/** Timeout of a run, ms. */
const RUN_LIMIT_MS = 10 * 60_000;

/** A choice of scenarios and runtimes. */
export interface Selection {
  /** Names of scenarios; all if empty. */
  readonly only: readonly string[];
  readonly runtime: readonly RuntimeName[];
  /** Everything but slow scenarios on the first runtime, and the essential ones on the others. */
  readonly quick?: boolean;
}

/**
 * The runs of a selection: those of the first runtime first, or the essential ones if it
 * is quick.
 */
export function planRuns(
  scenarios: readonly Scenario[],
  { only, runtime: runtimes, quick = false }: Selection,
): Run[] {
  const chosen = scenarios.filter(({ name }) => only.length === 0 || only.includes(name));
  const runs = runtimes.flatMap((runtime, index) =>
    chosen.flatMap((scenario): Run[] => {
      const { each, weight } = scenario;
      if (index > 0 && (each === "run" || (quick && weight !== "essential"))) return [];
      if (quick && weight === "slow") return [];
      const isShort = quick && (index > 0 || weight !== "essential");
      const through = each === "runtime and API" && !isShort ? APIS : APIS.slice(-1);
      return through.map((api) => ({ scenario, runtime, api }));
    })
  );
  // A time limit should not cut essential runs from a quick selection.
  const isEssential = ({ scenario }: Run): boolean => scenario.weight === "essential";
  return quick ? [...runs.filter(isEssential), ...runs.filter((run) => !isEssential(run))] : runs;
}

/** Maximum number of runs to repeat: if more fail, the failures are not intermittent. */
const MAX_AGAIN = 3;

/**
 * Executes the runs in order until `executeOne` resolves with `null`.
 *
 * @param options `again`: whether a few failed runs are repeated after all others;
 * `onOutcome`: called after each run. @returns The outcomes of the first runs, in their
 * order.
 */
export async function executeAll(
  runs: readonly Run[],
  executeOne: (run: Run) => Promise<Outcome | null>,
  { again, onOutcome }: {
    readonly again: boolean;
    readonly onOutcome: (outcome: Outcome, again: boolean) => void;
  },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const run of runs) {
    const outcome = await executeOne(run);
    if (outcome === null) break;
    outcomes.push(outcome);
    onOutcome(outcome, false);
  }
  const failed = outcomes.filter(isFailed);
  if (!again || failed.length > MAX_AGAIN) return outcomes;
  for (const outcome of failed) {
    const index = outcomes.indexOf(outcome);
    const second = await executeOne(runs[index]);
    if (second === null) break;
    onOutcome(second, true);
    if (!isFailed(second)) outcomes[index] = { ...second, isFlaky: true };
  }
  return outcomes;
}

/** Executes one run, and never rejects; resolves with `null` if that takes over `limitMs`. */
export async function execute(bench: Bench, run: Run, limitMs: number): Promise<Outcome | null> {
  const start = performance.now();
  const ms = () => performance.now() - start;
  let timer: NodeJS.Timeout | undefined;
  try {
    await using context = await Context.open(bench, run.runtime, run.api, run.scenario.name);
    const limit = new Promise<null>((resolve, reject) => {
      const isShort = limitMs < RUN_LIMIT_MS;
      const late = new Error(`It took over ${RUN_LIMIT_MS / 60_000} minutes`);
      timer = setTimeout(
        () => isShort ? resolve(null) : reject(late),
        Math.min(limitMs, RUN_LIMIT_MS),
      );
    });
    const findings = run.scenario.run(context);
    findings.catch(() => {}); // The remaining work fails once its context is removed.
    const found = await Promise.race([findings, limit]);
    return found && { ...run, findings: found, ms: ms() };
  } catch (error) {
    return { ...run, error, ms: ms() };
  } finally {
    clearTimeout(timer);
  }
}

/** A short label of a run. */
export function labelOf({ scenario, runtime, api }: Run): string {
  const parts = [scenario.name];
  if (scenario.each !== "run") parts.push(runtime);
  if (scenario.each === "runtime and API") parts.push(api);
  return parts.join(" ");
}
