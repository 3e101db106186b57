/**
 * The traced program of the benchmark, with the official SDK or with this package. Prints one line
 * of JSON: CPU (user and system, whole process) and time per traced call, first while the engine still
 * compiles, then for the same number of calls after warming up.
 *
 * Usage: `traced.ts official|ours <calls>`; the server and the key come from the environment.
 *
 * @module
 */

import process from "node:process";

const [which, count = "20000"] = process.argv.slice(2);
const CALLS = Number(count);

interface Tracing {
  op: <Args extends unknown[], Result>(
    fn: (...args: Args) => Promise<Result>,
    options: { name: string },
  ) => (...args: Args) => Promise<Result>;
  /** Resolves when everything is delivered. */
  delivered: () => Promise<unknown>;
}

/** Per traced call, until everything is delivered; `program` until the last op has returned. */
interface Cost {
  readonly cpuMicros: number;
  readonly programMicros: number;
  readonly totalMicros: number;
}

async function official(): Promise<Tracing> {
  const weave = await import("weave");
  const client = await weave.init("bench/official");
  return {
    op: weave.op as unknown as Tracing["op"],
    delivered: () =>
      (client as unknown as { waitForBatchProcessing(): Promise<void> })
        .waitForBatchProcessing(),
  };
}

async function ours(): Promise<Tracing> {
  const weave = await import("../../../mod.ts");
  const client = await weave.init("bench/ours");
  return { op: weave.op as unknown as Tracing["op"], delivered: () => client.flush() };
}

const { op, delivered } = await (which === "official" ? official() : ours());

const retrieve = op(
  (question: string) =>
    Promise.resolve([
      { text: `A passage about ${question}`, score: 0.75 },
      { text: "Another passage, a little longer, about the purpose of a log.", score: 0.5 },
    ]),
  { name: "retrieve" },
);
const answer = op(async (question: string, options: { limit: number; temperature: number }) => {
  const passages = await retrieve(question);
  return { answer: passages[0].text, passages: passages.slice(0, options.limit) };
}, { name: "answer" });

const options = { limit: 2, temperature: 0.25 };

/** Two traced calls a round, with occasional pauses, as in a program that waits for a model. */
async function trace(): Promise<Cost> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  for (let i = 0; i < CALLS / 2; i++) {
    await answer(`What is written before it is sent? (${i})`, options);
    if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const program = performance.now() - from;
  await delivered();
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
  which,
  firstCpuMicros: first.cpuMicros,
  ...then,
  rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
}));
process.exit(0);
