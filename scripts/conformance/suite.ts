/**
 * Runs scenarios and collects what came of them.
 *
 * @module
 */

import { type RuntimeName, runtimeNames } from "../test/runners.ts";
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

/** The runs of the scenarios whose name is among `only`; of all when it is empty. */
export function planRuns(
  scenarios: readonly Scenario[],
  only: readonly string[],
  runtimes: readonly RuntimeName[],
): Run[] {
  return scenarios.filter(({ name }) => only.length === 0 || only.includes(name)).flatMap(
    (scenario) => {
      const on = scenario.each === "run" ? [runtimes[0]] : runtimes;
      const through = scenario.each === "runtime and API" ? APIS : APIS.slice(-1);
      return on.flatMap((runtime) => through.map((api) => ({ scenario, runtime, api })));
    },
  );
}

/** Runs one scenario, and never rejects. */
export async function execute(bench: Bench, run: Run): Promise<Outcome> {
  const start = performance.now();
  const ms = () => performance.now() - start;
  try {
    await using context = await Context.open(bench, run.runtime, run.api, run.scenario.name);
    return { ...run, findings: await run.scenario.run(context), ms: ms() };
  } catch (error) {
    return { ...run, error, ms: ms() };
  }
}

/** A run in a few words. */
export function labelOf({ scenario, runtime, api }: Run): string {
  const parts = [scenario.name];
  if (scenario.each !== "run") parts.push(runtime);
  if (scenario.each === "runtime and API") parts.push(api);
  return parts.join(" ");
}

/** All runtimes, for the command line. */
export const allRuntimes: readonly RuntimeName[] = runtimeNames;
