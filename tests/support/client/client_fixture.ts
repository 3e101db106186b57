/**
 * A client on a pipeline that only collects records, on an in-memory host.
 *
 * @module
 */

import { MemoryRuntime, type MemoryRuntimeOptions } from "../simulated_runtime/memory.ts";
import type { WeaveClient } from "../../../src/client/weave_client/client.ts";
import { setGlobalClient } from "../../../src/client/global_client.ts";
import { openClient } from "../../../src/client/open_client.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import type {
  DeliveryWait,
  FlushOptions,
  FlushResult,
  Pipeline,
  PipelineOptions,
  WalStats,
} from "../../../src/client/pipeline/pipeline.ts";
import { nullPipeline } from "../../../src/client/pipeline/disabled_pipeline.ts";
import type { RecordType } from "../../../src/protocol/record_types.ts";

// deno-lint-ignore no-explicit-any -- tests look into requests freely
export type Any = any;

/** An appended record. */
export interface FakeRecord {
  type: RecordType;
  text: string;
  req: Any;
}

/** Collects records. */
export class FakePipeline implements Pipeline {
  readonly records: FakeRecord[] = [];
  readonly finished: (FlushOptions | undefined)[] = [];
  options: PipelineOptions | undefined;

  append(type: RecordType, text: string): void {
    this.records.push({ type, text, req: JSON.parse(text) });
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  finalDigest(digest: string): string {
    return digest;
  }

  retryDeadLetters(): ReturnType<Pipeline["retryDeadLetters"]> {
    return nullPipeline.retryDeadLetters();
  }

  reports(): ReturnType<Pipeline["reports"]> {
    return nullPipeline.reports();
  }

  stats(): Promise<WalStats> {
    return nullPipeline.stats();
  }

  /** Result of the delivery wait that reads perform for earlier writes. */
  wait: DeliveryWait = { end: "delivered" };
  readonly waited: number[] = [];

  delivered(timeout: number): Promise<DeliveryWait> {
    this.waited.push(timeout);
    return Promise.resolve(this.wait);
  }

  flush(): Promise<FlushResult> {
    const delivered = this.records.length;
    return Promise.resolve({
      done: true,
      pendingBytes: 0,
      pendingRecords: 0,
      delivered,
      deadLettered: 0,
    });
  }

  finish(options?: FlushOptions): Promise<FlushResult> {
    this.finished.push(options);
    return this.flush();
  }

  /** The requests of one type. */
  of(type: RecordType): Any[] {
    return this.records.filter((record) => record.type === type).map((record) => record.req);
  }

  /** The calls by op name, each with its start and end merged. */
  calls(): Any[] {
    const ends = new Map(this.of("call_end").map(({ end }) => [end.id, end]));
    return this.of("call_start").map(({ start }) => ({ ...start, ...ends.get(start.id) }));
  }

  /** The calls of one op. */
  callsOf(name: string): Any[] {
    return this.calls().filter(({ op_name }) => op_name.includes(`/op/${name}:`));
  }
}

/** A client and its environment. */
export interface Fixture {
  client: WeaveClient;
  pipeline: FakePipeline;
  runtime: MemoryRuntime;
  /** Printed lines and warnings. */
  printed: string[];
  warned: string[];
  /** Requests that the client made directly: reads. */
  requests: { url: string; init: RequestInit }[];
  [Symbol.dispose](): void;
}

/** Makes a client of `team/demo` that ops use until the fixture is disposed. */
export async function clientFixture(
  options: InitOptions = {},
  host: MemoryRuntimeOptions & {
    project?: string;
    isTerminal?: boolean;
    answer?: (url: string, init: RequestInit) => Response | Promise<Response>;
  } = {},
): Promise<Fixture> {
  const { project = "team/demo", answer = () => new Response("{}", { status: 404 }) } = host;
  const runtime = new MemoryRuntime({ env: { WANDB_API_KEY: "secret-key" }, ...host });
  const pipeline = new FakePipeline();
  const printed: string[] = [];
  const warned: string[] = [];
  const requests: Fixture["requests"] = [];
  const client = await openClient(project, { printCallLink: false, ...options }, {
    runtime,
    fetch: (async (url: string, init: RequestInit) => {
      requests.push({ url, init });
      return await answer(url, init);
    }) as unknown as typeof fetch,
    sink: {
      warn: (line) => (line.startsWith("🍩") ? printed : warned).push(line),
      isTerminal: () => host.isTerminal ?? false,
    },
    openPipeline: (made) => {
      pipeline.options = made;
      return pipeline;
    },
  });
  setGlobalClient(client);
  return {
    client,
    pipeline,
    runtime,
    printed,
    warned,
    requests,
    [Symbol.dispose]: () => setGlobalClient(null),
  };
}
