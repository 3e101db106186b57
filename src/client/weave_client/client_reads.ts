/**
 * The reads of a client. They go directly to the server, after earlier writes of this process are
 * delivered.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Call } from "../calls/call.ts";
import { ClientWrites } from "./client_writes.ts";
import type { ClientWritesOptions } from "./writes_options.ts";
import { Dataset } from "../objects/dataset.ts";
import type { SavedRef } from "../global_client.ts";
import { weaveAudio, weaveImage } from "../objects/media.ts";
import { ObjectRef, type TableRef } from "../objects/object_ref.ts";
import { MessagesPrompt, StringPrompt } from "../objects/prompts.ts";
import { setSavedRef } from "../objects/saved_refs.ts";
import { ReadBarrier, type ReadPipeline } from "./read_barrier.ts";
import type { ApiClient } from "../server/api_client.ts";
import { type TraceServerApi, traceServerApi } from "../server/trace_server_api.ts";
import { Table } from "../objects/table.ts";

/**
 * Criteria for reading calls, with the server's field names.
 *
 * @example
 * ```ts ignore
 * import { type CallsFilter, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * const filter: CallsFilter = { trace_roots_only: true };
 * for await (const call of client.getCallsIterator(filter)) console.log(call.op_name);
 * ```
 */
export interface CallsFilter {
  /** Refs of ops; `:*` instead of a digest matches every version. */
  op_names?: string[] | null;
  /** Refs in the inputs. */
  input_refs?: string[] | null;
  /** Refs in the output. */
  output_refs?: string[] | null;
  /** IDs of parent calls. */
  parent_ids?: string[] | null;
  /** IDs of traces. */
  trace_ids?: string[] | null;
  /** IDs of calls. */
  call_ids?: string[] | null;
  /** Only calls without a parent. */
  trace_roots_only?: boolean | null;
  /** IDs of users. */
  wb_user_ids?: string[] | null;
  /** IDs of W&B runs. */
  wb_run_ids?: string[] | null;
}

type Json = Record<string, unknown>;

const CALLS_PATH = "/calls/stream_query";

/**
 * A client's writes and reads.
 *
 * @example
 * ```ts ignore
 * import { init } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * for (const call of await client.getCalls({ trace_roots_only: true })) console.log(call.op_name);
 * ```
 */
export class ClientReads extends ClientWrites {
  readonly #reader: ApiClient;
  readonly #barrier: ReadBarrier;
  readonly #finalDigest: (digest: string) => string;
  /**
   * The routes of the trace server, as in the official SDK. Requests go directly to the server,
   * bypassing the log, after earlier writes are delivered. Secrets in written data are redacted.
   */
  readonly traceServerApi: TraceServerApi;

  /**
   * Not for users: use `init`.
   *
   * @param pipeline Provides undelivered records, and the server's digests for provisional ones.
   */
  constructor(options: ClientWritesOptions, reader: ApiClient, pipeline: ReadPipeline) {
    super(options);
    this.#reader = reader;
    this.#barrier = new ReadBarrier(pipeline);
    this.#finalDigest = (digest) => pipeline.finalDigest(digest);
    this.traceServerApi = traceServerApi({
      reader,
      barrier: (path) => this.#barrier.wait(path),
      toText: (value) => options.publisher.requestText(value),
      redactFile: (name, content) => options.publisher.redactedFile(name, content),
    });
  }

  /**
   * Returns information about the server.
   *
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`, like every read.
   */
  async serverInfo(): Promise<Record<string, unknown>> {
    return await this.#reader.json("/server_info") as Json;
  }

  /**
   * Reads one call.
   *
   * @param callId ID of the call.
   * @param includeCosts Whether the summary contains costs. Default `false`.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`.
   */
  async getCall(callId: string, includeCosts = false): Promise<Call> {
    const wait = await this.#barrier.wait(CALLS_PATH);
    return await this.#barrier.explain(wait, this.#findCall(callId, includeCosts));
  }

  /**
   * Reads calls.
   *
   * @param filter Criteria that calls must meet. Default: all calls.
   * @param includeCosts Whether summaries contain costs. Default `false`.
   * @param limit Maximum number of calls. Default 1000.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`.
   */
  async getCalls(filter: CallsFilter = {}, includeCosts = false, limit = 1000): Promise<Call[]> {
    const calls: Call[] = [];
    for await (const call of this.getCallsIterator(filter, includeCosts, limit)) calls.push(call);
    return calls;
  }

  /**
   * Reads calls one by one, as the server sends them.
   *
   * @param filter Criteria that calls must meet. Default: all calls.
   * @param includeCosts Whether summaries contain costs. Default `false`.
   * @param limit Maximum number of calls. Default 1000.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`.
   */
  async *getCallsIterator(
    filter: CallsFilter = {},
    includeCosts = false,
    limit = 1000,
  ): AsyncIterableIterator<Call> {
    await this.#barrier.wait(CALLS_PATH);
    yield* this.#calls(filter, includeCosts, limit);
  }

  async #findCall(callId: string, includeCosts: boolean): Promise<Call> {
    for await (const call of this.#calls({ call_ids: [callId] }, includeCosts, 1)) return call;
    throw new WeaveWalError("ERR_REQUEST_FAILED", `Cannot find call: ${callId}`, { status: 404 });
  }

  async *#calls(
    filter: CallsFilter,
    includeCosts: boolean,
    limit: number,
  ): AsyncGenerator<Call, undefined, undefined> {
    const rows = this.#reader.lines(CALLS_PATH, {
      project_id: this.projectId,
      filter,
      include_costs: includeCosts,
      limit,
    });
    for await (const row of rows) {
      const call = row as Json & { id: string };
      Object.defineProperty(call, "setDisplayName", {
        value: (displayName: string) => this.updateCall(call.id, displayName),
      });
      yield call as Json & Call;
    }
  }

  /**
   * Reads the object of a ref: prompts, datasets and tables as instances of their classes, images
   * and audio with their bytes, anything else as the saved JSON.
   *
   * @param ref Project, ID and digest of the object.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`.
   */
  async get(ref: SavedRef): Promise<unknown> {
    const answer = await this.#read("/obj/read", () => ({
      project_id: ref.projectId,
      object_id: ref.objectId,
      digest: this.#finalDigest(ref.digest),
    })) as { obj: { val: unknown; object_id?: string } };
    const value = answer.obj.val;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return await this.#revive(value as Json, ref);
  }

  async #revive(value: Json, ref: SavedRef): Promise<unknown> {
    const saved = <T extends object>(object: T): T => {
      setSavedRef(object, new ObjectRef(ref.projectId, ref.objectId, ref.digest));
      return object;
    };
    const name = typeof value.name === "string" ? value.name : undefined;
    const base = {
      ...(name === undefined ? {} : { name }),
      ...(typeof value.description === "string" ? { description: value.description } : {}),
    };
    switch (value._type) {
      case "StringPrompt":
        return saved(new StringPrompt({ ...base, content: String(value.content) }));
      case "MessagesPrompt":
        return saved(new MessagesPrompt({ ...base, messages: value.messages as Json[] }));
      case "Dataset": {
        const rows = value.rows as Json[] | string;
        const dataset = saved(new Dataset({ name: ref.objectId, ...base, rows }));
        await dataset.rows.load(this);
        return dataset;
      }
      case "Table": {
        const table = new Table(value.rows as Json[] | string);
        await table.load(this);
        return table;
      }
      case "CustomWeaveType":
        return await this.#reviveFiles(value, ref.projectId);
    }
    return value;
  }

  async #reviveFiles(value: Json, projectId: string): Promise<unknown> {
    const type = (value.weave_type as { type?: unknown } | undefined)?.type;
    const digest = Object.values((value.files ?? {}) as Record<string, string>)[0];
    if (typeof digest !== "string") return value;
    if (type === "PIL.Image.Image") {
      return weaveImage({ data: await this.fileContent(digest, projectId) });
    }
    if (type === "wave.Wave_read") {
      return weaveAudio({ data: await this.fileContent(digest, projectId) });
    }
    return value;
  }

  /**
   * Reads the rows of a table, with their digests.
   *
   * @param projectId `entity/project`.
   * @param digest Digest of the table.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`.
   */
  async tableRows(
    projectId: string,
    digest: string,
  ): Promise<{ digest: string; val: unknown }[]> {
    const answer = await this.#read("/table/query", () => ({
      project_id: projectId,
      digest: this.#finalDigest(digest),
    })) as { rows: { digest: string; val: unknown }[] };
    return answer.rows;
  }

  /**
   * Reads the rows of a table's ref.
   *
   * @param ref Ref of the table.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`.
   */
  async getTable(ref: TableRef): Promise<Table> {
    const table = new Table(ref);
    await table.load(this);
    return table;
  }

  /**
   * Reads a file's content.
   *
   * @param digest Digest of the file.
   * @param projectId `entity/project`. Default: the client's own.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`.
   */
  async fileContent(
    digest: string,
    projectId: string = this.projectId,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const body = { project_id: projectId, digest };
    const path = "/files/content";
    const wait = await this.#barrier.wait(path);
    try {
      return await this.#reader.bytes(path, body);
    } catch (error) {
      const status = error instanceof WeaveWalError ? error.status : undefined;
      if (status !== 404 && status !== 405) throw error;
    }
    // Older servers only have the older endpoint.
    return await this.#barrier.explain(wait, this.#reader.bytes("/file/content", body));
  }

  /** Reads JSON after this process's earlier writes are delivered; `body` is called then. */
  async #read(path: string, body: () => unknown): Promise<unknown> {
    const wait = await this.#barrier.wait(path);
    return await this.#barrier.explain(wait, this.#reader.json(path, body()));
  }
}
