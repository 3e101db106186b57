/**
 * The traced programs of the benchmarks.
 *
 * @module
 */

/** Traces functions. */
export interface Tracer {
  /** Wraps a function so that each of its calls is traced. */
  readonly wrap: <Args extends unknown[], Result>(
    name: string,
    fn: (...args: Args) => Result,
  ) => (...args: Args) => Result | Promise<Result>;
  /** Resolves when everything is delivered. */
  readonly delivered: () => Promise<unknown>;
}

/** A traced program that runs in rounds. */
export interface Workload {
  readonly callsPerRound: number;
  /** Runs one round. */
  readonly run: (round: number) => unknown;
  /** Number of rounds between pauses, and the length (ms) of a pause. */
  readonly pause: { readonly every: number; readonly ms: number };
}

/** Creates a workload traced by a tracer. */
export type MakeWorkload = (tracer: Tracer) => Workload;

/** All workloads, by name. */
export const WORKLOADS: Readonly<Record<string, MakeWorkload>> = { nested, plain };

/** An async call within another, like a program that calls a retriever and a model. */
function nested({ wrap }: Tracer): Workload {
  const retrieve = wrap("retrieve", (question: string) =>
    Promise.resolve([
      { text: `A passage about ${question}`, score: 0.75 },
      { text: "Another passage, a little longer, about the purpose of a log.", score: 0.5 },
    ]));
  const answer = wrap("answer", async (question: string, options: { limit: number }) => {
    const passages = await retrieve(question);
    return { answer: passages[0].text, passages: passages.slice(0, options.limit) };
  });
  const options = { limit: 2, temperature: 0.25 };
  return {
    callsPerRound: 2,
    run: (round) => answer(`What is written before it is sent? (${round})`, options),
    pause: { every: 100, ms: 1 },
  };
}

/** A synchronous call with inputs of 400 bytes and an output of 250; a pause every 50 calls. */
function plain({ wrap }: Tracer): Workload {
  const input = {
    question: "what is durable ".repeat(12),
    limit: 3,
    nested: { numbers: [1, 2, 3], text: "x".repeat(60) },
  };
  const answer = wrap("answer", (_input: typeof input) => ({
    answer: "because it is written down ".repeat(6),
    score: 0.87,
    tokens: { in: 12, out: 40 },
  }));
  return { callsPerRound: 1, run: () => answer(input), pause: { every: 50, ms: 0 } };
}
