/**
 * Executes the steps of its plan, and prints the results.
 *
 * @module
 */

import process from "node:process";
import {
  type AnyObject,
  type CallHandle,
  type CallStartInput,
  type FeedbackInput,
  op,
} from "../../../mod.ts";
import { initAsPlanned, type Plan, readPlan, tell } from "./plan.ts";

/** One step. */
export type Step =
  /** Calls the op `f` with each value. */
  | { do: "trace"; values: readonly unknown[] }
  /** Calls the op `f` with `count` numbers. */
  | { do: "trace-many"; count: number }
  /** Calls an op with the summary `summary`. */
  | { do: "summarize"; summary: unknown }
  /** Writes the start of a call directly, and remembers it. */
  | { do: "start"; as?: string; start: CallStartInput }
  /** Ends a started call; without `of`, a call that was never started. */
  | { do: "end"; of?: string; end?: AnyObject }
  | { do: "update"; of: string; name: string | null }
  | { do: "feedback"; count: number }
  | { do: "file"; name: string; text: string }
  | { do: "object"; name: string; value: unknown }
  | { do: "publish"; name: string; value: unknown }
  /** Waits for delivery, at most `timeout` ms, and reports the state. */
  | { do: "flush"; timeout: number };

/** A plan of steps. */
export interface StepPlan extends Plan {
  readonly steps: readonly Step[];
}

/** Report of the program after a step that waits, and at its end. */
export interface StepReport {
  readonly result: { done: boolean; pendingRecords: number; deadLettered: number };
  /** The state of the server as seen by the client. */
  readonly server: { state: string; reason: string };
  readonly lastError: string | null;
  /** Peak memory of the process in bytes. */
  readonly rss: number;
  /** Refs of published objects. */
  readonly refs: readonly string[];
}

const plan = readPlan<StepPlan>();
const client = await initAsPlanned(plan);
const handles = new Map<string, CallHandle>();
const refs: string[] = [];
let rss = 0;
const watch = setInterval(() => rss = Math.max(rss, process.memoryUsage().rss), 20);
const f = op((value: unknown) => value, { name: "f", parameterNames: ["value"] });

for (const step of plan.steps) await take(step);
const result = await client.finish({ timeout: 20_000 });
await report(result);
clearInterval(watch);

async function take(step: Step): Promise<void> {
  switch (step.do) {
    case "trace":
      return step.values.forEach(f);
    case "trace-many":
      for (let i = 0; i < step.count; i++) f(i);
      return;
    case "summarize":
      return void op(() => "value", { name: "g", summarize: () => step.summary as AnyObject })();
    case "start":
      return void handles.set(step.as ?? "", client.callStart(step.start));
    case "end":
      return client.callEnd({ ...handleOf(step.of), ...step.end });
    case "update":
      // An unusable name may be rejected by the client.
      return attempt(() => client.callUpdate(handleOf(step.of).id, step.name as string));
    case "feedback":
      for (let i = 0; i < step.count; i++) client.feedbackCreate(feedback());
      return;
    case "file":
      return void client.fileCreate(step.name, step.text);
    case "object":
      return void client.objCreate(step.name, step.value);
    case "publish":
      return void refs.push((await client.publish(step.value, step.name)).uri());
    case "flush":
      return await report(await client.flush({ timeout: step.timeout }));
  }
}

function handleOf(name: string | undefined): CallHandle {
  return handles.get(name ?? "") ?? {
    id: crypto.randomUUID(),
    trace_id: crypto.randomUUID(),
    started_at: new Date().toISOString(),
  };
}

function feedback(): FeedbackInput {
  const weave_ref = `weave:///${plan.project}/call/${crypto.randomUUID()}`;
  return { weave_ref, feedback_type: "custom", payload: { any: 1 } };
}

function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    tell({ refused: String(error) });
  }
}

async function report(result: unknown): Promise<void> {
  const { server, lastError } = await client.stats();
  tell({ result, server, lastError: lastError?.message ?? null, rss, refs });
}
