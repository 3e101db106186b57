/**
 * A program that writes records under load and reports each one in a file after `append`
 * (or the op) has returned. It is meant to be killed, or ends itself as its plan
 * specifies.
 *
 * @module
 */

import { openSync, writeSync } from "node:fs";
import process from "node:process";
import { init, op, requireCurrentCallStackEntry } from "../../../mod.ts";
import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { hostFetch } from "../../../src/client/server/host_fetch.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { endRequest, filler, seeded, startRequest } from "./kill_records.ts";

/** Instructions for the child; its only argument, as JSON. */
export interface KillPlan {
  readonly walDir: string;
  readonly serverUrl: string;
  /** File that receives a line for every appended record. */
  readonly report: string;
  /** Prefix of every ID. */
  readonly prefix: string;
  /** Identifies the sender at the server. */
  readonly apiKey?: string;
  readonly seed: number;
  /**
   * Through a pipeline, record by record; through `init` and `op`; or record by record in
   * a loop that never yields until the end.
   */
  readonly way: "records" | "ops" | "busy";
  /** Number of calls. */
  readonly calls: number;
  /** Maximum length of an input in characters. */
  readonly size: number;
  readonly options: Partial<
    Pick<
      PipelineOptions,
      "sender" | "fsync" | "segmentBytes" | "useCallsComplete" | "batchRecords" | "retryMaxMs"
    >
  >;
  /** Action after the last call. */
  readonly end:
    | "wait"
    | "signal"
    | "kill"
    | "natural"
    | "exit"
    | "throw"
    | "reject"
    | "oom"
    | "finish";
}

const plan = JSON.parse(process.argv[2]) as KillPlan;
const random = seeded(plan.seed);
const reportFile = openSync(plan.report, "a");
const report = (line: string): void => void writeSync(reportFile, `${line}\n`);

console.log("started");
const finish = plan.way === "ops" ? await traceOps() : await appendRecords();
console.log("done");
await end();

async function appendRecords(): Promise<() => Promise<unknown>> {
  const pipeline = openPipeline({
    ...DEFAULTS,
    runtime: detectRuntime(),
    fetch: hostFetch,
    random,
    token: () => crypto.randomUUID().replaceAll("-", ""),
    entity: "team",
    project: "project",
    serverUrl: plan.serverUrl,
    apiKey: plan.apiKey ?? "test-key",
    wal: true,
    walDir: plan.walDir,
    requireDisk: true,
    lingerMs: 5,
    retryMaxMs: 20,
    onEvent: () => {},
    ...plan.options,
  });
  for (let i = 0; plan.way === "busy"; i++) {
    const id = `${plan.prefix}-${i}`;
    pipeline.append("call_start", startRequest(id, 10));
    report(`start ${id}`);
    for (const until = performance.now() + 2; performance.now() < until;);
  }
  const project_id = "team/project";
  for (let i = 0; i < plan.calls; i++) {
    const id = `${plan.prefix}-${i}`;
    pipeline.append("call_start", startRequest(id, someSize()));
    report(`start ${id}`);
    if (i % 7 === 3) {
      pipeline.append(
        "feedback_create",
        JSON.stringify({
          id,
          project_id,
          weave_ref: `weave:///${project_id}/call/${id}`,
          feedback_type: "note",
          payload: { id },
        }),
      );
      report(`feedback ${id}`);
    }
    if (i % 11 === 5) {
      const obj = { project_id, object_id: id, val: { id, text: filler(id, someSize()) } };
      pipeline.append("obj_create", JSON.stringify({ obj }));
      report(`object ${id}`);
    }
    if (i % 13 === 7) {
      pipeline.append("file_create", JSON.stringify({ project_id, name: id, content: id }));
      report(`file ${id}`);
    }
    pipeline.append("call_end", endRequest(id, someSize()));
    report(`end ${id}`);
    if (random() < 0.05) await turn();
  }
  return () => pipeline.finish();
}

async function traceOps(): Promise<() => Promise<unknown>> {
  const client = await init("team/project", {
    wal: true,
    walDir: plan.walDir,
    serverUrl: plan.serverUrl,
    apiKey: "test-key",
    lingerMs: 5,
    retryMaxMs: 20,
    printCallLink: false,
    logLevel: "error",
    ...plan.options,
  });
  const inner = op(async function inner(text: string) {
    if (random() < 0.05) await turn();
    return { id: requireCurrentCallStackEntry().callId, length: text.length };
  });
  const outer = op(async function outer(size: number) {
    const id = requireCurrentCallStackEntry().callId;
    const first = await inner(filler("inner", size));
    report(`call ${first.id}`);
    return { id, first };
  });
  for (let i = 0; i < plan.calls; i++) {
    const { id } = await outer(someSize());
    report(`call ${id}`);
  }
  return () => client.finish();
}

async function end(): Promise<void> {
  switch (plan.end) {
    case "wait":
      await new Promise((resolve) => setTimeout(resolve, 600_000));
      break;
    case "signal": {
      const signal = new Promise((resolve) => process.once("SIGTERM", resolve));
      const alive = setInterval(() => {}, 1_000);
      console.log("waits");
      await signal;
      console.log(JSON.stringify(await finish()));
      clearInterval(alive);
      process.exit(0);
      break;
    }
    case "kill":
      process.kill(process.pid, "SIGKILL");
      break;
    case "natural":
      return;
    case "finish":
      await finish();
      process.exit(0);
      break;
    case "exit":
      process.exit(3);
      break;
    case "throw":
      setTimeout(() => {
        throw new Error("Uncaught on purpose");
      }, 0);
      break;
    case "reject":
      Promise.reject(new Error("Unhandled on purpose"));
      break;
    case "oom": {
      const held: unknown[] = [];
      for (;;) held.push(Array.from({ length: 10_000 }, (_, index) => ({ index })));
    }
  }
}

/** Mostly small, sometimes many pages long, so that a kill can interrupt a write. */
function someSize(): number {
  return Math.floor(random() < 0.98 ? random() * 300 : random() ** 3 * plan.size);
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}
