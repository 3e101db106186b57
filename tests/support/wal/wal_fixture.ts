/**
 * Logs in memory and a server in the same process, for tests of corrupt or foreign logs:
 * as strict as the real server (valid UTF-8, valid JSON, no unknown fields), and fast.
 *
 * @module
 */

import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { readSpans } from "../../../src/protocol/otlp/spans.ts";
import type { FlushResult, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { check } from "../../../tools/mock_server/routes/validators.ts";
import { WRITE_RULES, type WriteName } from "../../../tools/mock_server/routes/schema.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { MemoryRuntime } from "../simulated_runtime/memory.ts";
import { MemoryClock } from "../simulated_runtime/memory_clock.ts";
import { MemoryDisk } from "../simulated_runtime/memory_disk.ts";
import { MemoryHost } from "../simulated_runtime/memory_host.ts";
import { formatStem, writerToken } from "../../../src/wal/segment/segment_name.ts";
import { pipelineOptions } from "../delivery/delivery_fixture.ts";
import { readReply, replyTo } from "../delivery/fake_replies.ts";

/** Directory of the logs under test. */
export const WAL = "/work/.weave/wal";
/** The directory of `team/project`. */
export const PROJECT: string = `${WAL}/team/project`;
/** The server of the logs. */
export const SERVER = "http://server.test";
/**
 * The token of a writer of another implementation: its segments are closed if they have
 * no lock.
 */
export const WRITER = "0123456789abcdef0123456789abcdef";
/** The token of a process of this package that writes for {@linkcode SERVER}. */
export const TOKEN: string = writerToken(WRITER, SERVER);
/** The stem of that writer's first segment. */
export const STEM: string = `01700000000000000000_${WRITER}`;

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Joins byte arrays. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Bytes of all files of `team/project` on the disk; faults do not count. */
export function onDisk(runtime: MemoryRuntime): number {
  const { fault } = runtime;
  runtime.fault = undefined;
  const { files } = runtime;
  let sum = 0;
  for (const { name, kind } of files.list(PROJECT)) {
    if (kind === "file") sum += files.stat(`${PROJECT}/${name}`)!.size;
  }
  runtime.fault = fault;
  return sum;
}

/** Something that the server accepted. */
export interface Taken {
  /** `call_start`, `call_end`, `complete`, `span`, or the record's type. */
  readonly kind: string;
  readonly value: Record<string, unknown>;
}

const SINGLE: Record<string, { kind: string; rule: WriteName }> = {
  "/feedback/create": { kind: "feedback_create", rule: "feedbackCreate" },
  "/obj/create": { kind: "obj_create", rule: "objCreate" },
  "/table/create": { kind: "table_create", rule: "tableCreate" },
  "/call/update": { kind: "call_update", rule: "callUpdate" },
};

/** A trace server that consists only of a `fetch`. */
export class FakeServer {
  readonly taken: Taken[] = [];
  requests = 0;
  /** Number of requests that indicates an endless loop. */
  limit = 1_000;
  /** Maximum size of a request body, as on the real server. */
  readonly bodyLimit: number = 32 * 1024 * 1024;
  /** Called before each request is handled. */
  onRequest: (path: string) => void = () => {};
  /** Rejects requests of its choice. */
  refuse: (path: string, body: unknown) => { status: number; body: unknown } | null = () => null;

  /** The `fetch` for a pipeline. */
  readonly fetch: Fetch = async (url, init) => {
    const path = String(url).slice(SERVER.length);
    await Promise.resolve();
    const read = readReply(path);
    if (read !== null) return response(200, read);
    if (++this.requests > this.limit) throw new Error(`More than ${this.limit} requests`);
    this.onRequest(path);
    const refusal = this.refuse(path, init!.body);
    if (refusal) return answer(refusal.status, refusal.body);
    const bytes = init!.body as Uint8Array;
    if (bytes.length > this.bodyLimit) return answer(413, { reason: "too large" });
    if (path === "/otel/v1/traces") {
      for (const span of readSpans(bytes)) this.taken.push({ kind: "span", value: { ...span } });
      return response(200, replyTo(path));
    }
    let body: Record<string, unknown>;
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      body = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return answer(400, { reason: "no sound JSON" });
    }
    const refused = this.#take(path, body);
    return refused ?? response(200, replyTo(path));
  };

  #take(path: string, body: Record<string, unknown>): Response | null {
    const v2 = /^\/v2\/([^/]+)\/([^/]+)\/(calls\/complete|call\/start|call\/end)$/.exec(path);
    const single = SINGLE[path];
    const rule: WriteName | undefined = single?.rule ??
      (path === "/call/upsert_batch" ? "callUpsertBatch" : undefined) ??
      (path === "/feedback/batch/create" ? "feedbackBatchCreate" : undefined) ??
      (v2 ? V2_RULES[v2[3]] : undefined);
    if (rule === undefined) return answer(404, { detail: "Not Found" });
    const problems = check(WRITE_RULES[rule], body);
    if (problems.length > 0) return answer(422, { detail: problems });
    type Item = Record<string, unknown>;
    const items = (body.batch ?? [body]) as Item[];
    const taken = items.map((item): Taken => {
      if (single) return { kind: single.kind, value: item };
      if (path === "/feedback/batch/create") return { kind: "feedback_create", value: item };
      if (v2?.[3] === "calls/complete") return { kind: "complete", value: item };
      const request = (path === "/call/upsert_batch" ? item.req : item) as Record<string, Item>;
      return request.start
        ? { kind: "call_start", value: request.start }
        : { kind: "call_end", value: request.end };
    });
    if (v2) {
      const project = `${decodeURIComponent(v2[1])}/${decodeURIComponent(v2[2])}`;
      if (taken.some(({ value }) => value.project_id !== project)) {
        return answer(422, { reason: "another project" });
      }
    }
    this.taken.push(...taken);
    return null;
  }
}

const V2_RULES: Record<string, WriteName> = {
  "calls/complete": "callsComplete",
  "call/start": "callStartV2",
  "call/end": "callEndV2",
};

function answer(status: number, body: unknown): Response {
  return response(status, JSON.stringify(body));
}

/** A `Response` without real streams. */
function response(status: number, text: string): Response {
  return { status, headers: new Headers(), text: () => Promise.resolve(text) } as Response;
}

/** A disk, a host and a clock shared by several simulated processes, and a server. */
export class LogWorld {
  readonly disk: MemoryDisk;
  readonly host: MemoryHost;
  readonly clock: MemoryClock;
  readonly server: FakeServer = new FakeServer();
  #tokens = 0;

  constructor() {
    this.disk = new MemoryDisk();
    this.host = new MemoryHost();
    this.clock = new MemoryClock();
  }

  /** Starts another process on the host. */
  process(): MemoryRuntime {
    const { disk, host, clock } = this;
    return new MemoryRuntime({ disk, host, clock });
  }

  /** Options of a pipeline in `runtime`, overridden by `changes`. */
  options(runtime: MemoryRuntime, changes: Partial<PipelineOptions> = {}): PipelineOptions {
    return pipelineOptions(WAL, SERVER, {
      runtime,
      fetch: this.server.fetch,
      token: () => (++this.#tokens).toString(16).padStart(4, "0").padEnd(32, "f"),
      requireDisk: false,
      ...changes,
    });
  }

  /** Writes the data of a segment, as a dead process may have left it. */
  put(data: Uint8Array | string, stem: string = STEM): void {
    this.disk.put(`${PROJECT}/${stem}.jsonl`, data);
  }

  /** Lets a new process send everything that can be sent. */
  async recover(changes: Partial<PipelineOptions> = {}): Promise<FlushResult> {
    const runtime = this.process();
    const result = await openPipeline(this.options(runtime, changes)).finish();
    runtime.exit();
    return result;
  }

  /** Lets a new process scan for orphaned segments for `ms` of virtual time. */
  async recoverFor(ms: number, changes: Partial<PipelineOptions> = {}): Promise<void> {
    const runtime = this.process();
    const pipeline = openPipeline(this.options(runtime, changes));
    await this.clock.elapse(ms);
    await pipeline.finish();
    runtime.exit();
  }

  /** The stem of a segment whose name identifies this server. */
  get ownStem(): string {
    return formatStem(1_700_000_000_000_000_000n, writerToken(WRITER, SERVER)).stem;
  }

  /** Names in the project's directory. */
  names(): string[] {
    const looker = this.process();
    try {
      return looker.files.list(PROJECT).map(({ name }) => name).sort();
    } catch {
      return [];
    } finally {
      looker.kill();
    }
  }

  /** The dead letters of a segment, with the bytes to which they refer. */
  deadLetters(stem: string = STEM): DeadLetter[] {
    if (!this.names().includes(`${stem}.deadletter`)) return [];
    const text = new TextDecoder().decode(this.disk.bytes(`${PROJECT}/${stem}.deadletter`));
    return text.trimEnd().split("\n").map((line) => {
      const deadLetter = JSON.parse(line) as DeadLetter & {
        quarantine?: { offset: number; length: number };
      };
      if (deadLetter.quarantine === undefined) return deadLetter;
      const { offset, length } = deadLetter.quarantine;
      const bytes = this.disk.bytes(`${PROJECT}/${stem}.quarantine`);
      return { ...deadLetter, bytes: bytes.slice(offset, offset + length) };
    });
  }
}

/** A dead letter as read from its file. */
export interface DeadLetter {
  readonly type: string;
  readonly req?: unknown;
  readonly error: {
    readonly reason: string;
    readonly offset: number;
    readonly length: number;
    readonly at: string;
    readonly status?: number;
    readonly message?: string;
  };
  /** The raw bytes, if it is not a record. */
  readonly bytes?: Uint8Array;
}
