/**
 * Runs scenarios and collects what came of them.
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
}

const APIS: readonly Api[] = ["v1", "v2"];

/** Most ms that a run may take. */
const RUN_LIMIT_MS = 10 * 60_000;

/** A choice of scenarios and runtimes. */
export interface Selection {
  /** Names of scenarios; all where empty. */
  readonly only: readonly string[];
  readonly runtime: readonly RuntimeName[];
  /** Everything but slow scenarios on the first runtime, the essential ones on the others. */
  readonly quick?: boolean;
}

/** The runs of a selection, those of the first runtime first, or the essential ones if it is quick. */
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
  // Whatever a limit of time leaves out of a quick selection should not be essential.
  const isEssential = ({ scenario }: Run): boolean => scenario.weight === "essential";
  return quick ? [...runs.filter(isEssential), ...runs.filter((run) => !isEssential(run))] : runs;
}

/** Runs one scenario, and never rejects; resolves with `null` if that takes over `limitMs`. */
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
    findings.catch(() => {}); // What it left fails when it is cleared away.
    const found = await Promise.race([findings, limit]);
    return found && { ...run, findings: found, ms: ms() };
  } catch (error) {
    return { ...run, error, ms: ms() };
  } finally {
    clearTimeout(timer);
  }
}

/** A run in a few words. */
export function labelOf({ scenario, runtime, api }: Run): string {
  const parts = [scenario.name];
  if (scenario.each !== "run") parts.push(runtime);
  if (scenario.each === "runtime and API") parts.push(api);
  return parts.join(" ");
}
