/**
 * `npm run sim -- --stream`: the simulation of a log on a stream.
 *
 * @module
 */

import { STREAM_BUGS } from "./stream_mutants.ts";
import { runStream } from "./stream_run.ts";

/** Runs seeds; resolves with the exit status. */
export async function simulateStream(
  first: number,
  runs: number,
  keepTrace: boolean,
): Promise<number> {
  let records = 0, requests = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const outcome = await runStream(seed, { keepTrace });
    records += outcome.records;
    requests += outcome.requests;
    if (keepTrace) console.log(outcome.trace.join("\n"));
    if (outcome.violations.length === 0) continue;
    console.log(`FAILED seed ${seed}`);
    for (const { code, text } of outcome.violations) console.log(`  ${code}: ${text}`);
    console.log(`replay: npm run sim -- --stream --seed ${seed} --runs 1 --trace`);
    return 1;
  }
  console.log(`${runs} seeds from ${first}: 0 failed, ${records} records, ${requests} requests`);
  return 0;
}

/** Runs each mutant, which must be found; resolves with the exit status. */
export async function proveStream(): Promise<number> {
  let missed = 0;
  for (const bug of STREAM_BUGS) {
    let found: string | null = null;
    for (let seed = 1; seed <= bug.seeds && found === null; seed++) {
      const { violations } = await runStream(seed, { bug });
      const violation = violations.find(({ code }) => bug.breaks.includes(code));
      if (violation) found = `${seed}: ${violation.code}: ${violation.text}`;
    }
    if (found === null) missed++;
    console.log(
      found === null
        ? `MISSED ${bug.name}: not found in ${bug.seeds} seeds`
        : `found ${bug.name} at seed ${found}`,
    );
  }
  console.log(`${STREAM_BUGS.length - missed} of ${STREAM_BUGS.length} mutants found`);
  return missed > 0 ? 1 : 0;
}
