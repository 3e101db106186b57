/**
 * A traced program. Prints one line of JSON: CPU (user and system, whole process) and
 * time per traced call, first while the engine still compiles, then for the same number
 * of calls after that.
 *
 * Usage: `traced.ts <tracer> <workload> <calls>`; the server and the key come from the
 * environment.
 *
 * @module
 */

import process from "node:process";
import { TRACERS } from "../workloads/tracers.ts";
import { WORKLOADS } from "../workloads/workloads.ts";

const [tracerName, workloadName, count] = process.argv.slice(2);
const CALLS = Number(count);

/** µs per traced call, until everything is delivered; `program` only until the last call ended. */
interface Cost {
  readonly cpuMicros: number;
  readonly programMicros: number;
  readonly totalMicros: number;
}

const tracer = await TRACERS[tracerName]();
const { callsPerRound, run, pause } = WORKLOADS[workloadName](tracer);

async function trace(): Promise<Cost> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  for (let round = 0; round < CALLS / callsPerRound; round++) {
    const result = run(round);
    if (result instanceof Promise) await result;
    if (round % pause.every === pause.every - 1) {
      await new Promise((resolve) => setTimeout(resolve, pause.ms));
    }
  }
  const program = performance.now() - from;
  await tracer.delivered();
  const { user, system } = process.cpuUsage(cpu);
  return {
    cpuMicros: (user + system) / CALLS,
    programMicros: program * 1_000 / CALLS,
    totalMicros: (performance.now() - from) * 1_000 / CALLS,
  };
}

const first = await trace();
const then = await trace();
console.log(JSON.stringify({
  firstCpuMicros: first.cpuMicros,
  ...then,
  rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
}));
process.exit(0);
