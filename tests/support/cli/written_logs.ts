/**
 * Writes logs with calls for tests of the command.
 *
 * @module
 */

import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { createIds, type Ids } from "../../../src/protocol/ids.ts";

const runtime = detectRuntime();

/** Generates IDs. */
export const ids: Ids = createIds({
  now: () => runtime.clock.now(),
  randomBytes: (into) => crypto.getRandomValues(into),
});

/** Options for {@linkcode openLog}. */
export interface LogOptions extends Partial<Pick<PipelineOptions, "runtime" | "segmentBytes">> {
  readonly server?: string;
  readonly maxDiskBytes?: number;
  /** The API key of a log that sends; without it, the sender is off. */
  readonly key?: string;
}

/** Opens a log of this process; its sender is off unless there is a key. */
export function openLog(wal: string, name: string, options: LogOptions = {}): Pipeline {
  const [entity, project] = name.split("/");
  return openPipeline({
    ...DEFAULTS,
    runtime: options.runtime ?? runtime,
    fetch: options.key === undefined
      ? () => Promise.reject(new Error("The sender is off"))
      : (url, init) => fetch(url, init),
    random: Math.random,
    entity,
    project,
    serverUrl: options.server ?? "http://127.0.0.1:9",
    apiKey: options.key,
    wal: true,
    sender: options.key !== undefined,
    token: ids.uuidHex,
    walDir: wal,
    requireDisk: true,
    segmentBytes: options.segmentBytes ?? DEFAULTS.segmentBytes,
    maxDiskBytes: options.maxDiskBytes ?? DEFAULTS.maxDiskBytes,
    onEvent: () => {},
  });
}

/** A written call. */
export interface WrittenCall {
  readonly id: string;
  readonly traceId: string;
}

/** Fields of a call. */
export interface CallFacts {
  readonly op?: string;
  readonly parent?: WrittenCall;
  readonly exception?: string;
  readonly inputs?: Record<string, string>;
  readonly output?: string;
  /** Epoch ms. */
  readonly started?: number;
  readonly ended?: number;
}

/** Appends the start of a call. */
export function startCall(pipeline: Pipeline, name: string, facts: CallFacts = {}): WrittenCall {
  const id = ids.uuidv7();
  const traceId = facts.parent?.traceId ?? ids.uuidv7();
  pipeline.append(
    "call_start",
    JSON.stringify({
      start: {
        project_id: name,
        id,
        trace_id: traceId,
        op_name: `weave:///${name}/op/${facts.op ?? "answer"}:v1`,
        started_at: timeOf(facts.started),
        ...(facts.parent ? { parent_id: facts.parent.id } : {}),
        attributes: {},
        inputs: facts.inputs ?? { question: "Why?" },
      },
    }),
  );
  return { id, traceId };
}

/** Appends the end of a call. */
export function endCall(
  pipeline: Pipeline,
  name: string,
  { id, traceId }: WrittenCall,
  facts: CallFacts = {},
): void {
  pipeline.append(
    "call_end",
    JSON.stringify({
      end: {
        project_id: name,
        id,
        trace_id: traceId,
        started_at: timeOf(facts.started),
        ended_at: timeOf(facts.ended),
        ...(facts.exception === undefined ? {} : { exception: facts.exception }),
        output: facts.output ?? "Because.",
        summary: {},
      },
    }),
  );
}

/** Appends complete calls; returns their IDs. */
export function writeCalls(
  pipeline: Pipeline,
  name: string,
  count: number,
  facts: CallFacts = {},
): string[] {
  return Array.from({ length: count }, () => {
    const started = facts.started ?? Date.now();
    const call = startCall(pipeline, name, { ...facts, started });
    endCall(pipeline, name, call, { ...facts, started });
    return call.id;
  });
}

function timeOf(ms: number = Date.now()): string {
  return new Date(ms).toISOString();
}
