/**
 * Simulated processes that start and end calls, for tests of interrupted calls.
 *
 * @module
 */

import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { INTERRUPTED } from "../../../src/wal/open_calls/open_calls.ts";
import { MemoryHost } from "../simulated_runtime/memory_host.ts";
import { MemoryRuntime } from "../simulated_runtime/memory.ts";
import { type LogWorld, PROJECT } from "./wal_fixture.ts";

/** A process that writes calls; those interrupted by its death are to be closed. */
export class CallWriter {
  readonly runtime: MemoryRuntime;
  readonly pipeline: Pipeline;

  constructor(
    world: LogWorld,
    changes: Partial<PipelineOptions> = {},
    runtime: MemoryRuntime = world.process(),
  ) {
    this.runtime = runtime;
    this.pipeline = openPipeline(
      world.options(runtime, { sender: false, closeInterrupted: true, ...changes }),
    );
  }

  /** Starts a call. */
  start(id: string, parent?: string): void {
    const start = {
      project_id: "team/project",
      id,
      trace_id: "trace",
      op_name: "op",
      started_at: timestamp(this.runtime.clock.now()),
      ...parent === undefined ? {} : { parent_id: parent },
      attributes: {},
      inputs: {},
    };
    this.pipeline.append("call_start", JSON.stringify({ start }));
  }

  /** Ends a call whose descendants ended with these counts. */
  end(id: string, success = 0, error = 0): void {
    const at = timestamp(this.runtime.clock.now());
    const end = {
      project_id: "team/project",
      id,
      trace_id: "trace",
      started_at: at,
      ended_at: at,
      output: null,
      summary: { status_counts: { success: success + 1, error } },
    };
    this.pipeline.append("call_end", JSON.stringify({ end }));
  }
}

/** A process on another host, observable only through its heartbeats. */
export function remote(world: LogWorld): MemoryRuntime {
  const host = new MemoryHost({ name: "elsewhere", bootId: "other", pidNamespace: "pid:[9]" });
  const { disk, clock } = world;
  return new MemoryRuntime({ disk, clock, host });
}

/** Formats a time as calls contain it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

/** An end received by the server. */
export interface End {
  readonly id: string;
  readonly exception?: string;
  readonly started_at: string;
  readonly ended_at: string;
  readonly summary: {
    readonly status_counts: { readonly success: number; readonly error: number };
  };
}

/** The ends received by the server, in order. */
export function endsOf(world: LogWorld): End[] {
  return world.server.taken.filter(({ kind }) => kind !== "call_start")
    .map(({ value }) => value as unknown as End);
}

/** The ends of interrupted calls, as `id success/error`. */
export function interruptedOf(world: LogWorld): string[] {
  return endsOf(world).filter(({ exception }) => exception === INTERRUPTED)
    .map(({ id, summary: { status_counts: { success, error } } }) => `${id} ${success}/${error}`);
}

/** Names in the project's directory with one of these endings. */
export function namesWith(world: LogWorld, ...endings: string[]): string[] {
  return world.names().filter((name) => endings.some((ending) => name.endsWith(ending)));
}

/** Texts of the files in the project's directory. */
export function textsOf(world: LogWorld): Record<string, string> {
  return Object.fromEntries(
    world.names().filter((name) => !name.startsWith(".")).map((name) => [
      name,
      new TextDecoder().decode(world.disk.bytes(`${PROJECT}/${name}`)),
    ]),
  );
}
