/**
 * `WeaveClient`: all writes and reads in one project.
 *
 * @module
 */

import type { ClientDeps, ClientStats } from "./client_types.ts";
import type { Clock, SystemFacts } from "../../runtime/runtime.ts";
import { describeError } from "../calls/describe_error.ts";
import { Sampler } from "../calls/sampling.ts";
import { CallRecorder } from "../calls/call_recorder.ts";
import { ClientCalls, type ClientCallsOptions } from "./client_calls.ts";
import { closeGlobalClient, openGlobalClient } from "../global_client.ts";
import { markClass } from "../objects/kind.ts";
import type { MetricsFormat } from "../../metrics/exposition.ts";
import type { ObjectRef, OpRef } from "../objects/object_ref.ts";
import type { RetryResult } from "../../delivery/dead_letters/resend_dead_letters.ts";
import type { FlushOptions, FlushResult, Pipeline } from "../pipeline/pipeline.ts";
import type { AnyFunction, OpFields } from "../op/op_types.ts";
import { setSavingRef } from "../objects/saved_refs.ts";
import { keepSpanTarget, type SpanTarget } from "../span_target.ts";
import { ProjectIdResolver } from "../server/project_id_resolver.ts";
import { Publisher } from "../objects/publisher.ts";
import type { ApiClient } from "../server/api_client.ts";
import type { Settings } from "../settings/settings.ts";
import { VERSION } from "../../version.ts";
import { isWeaveObject } from "../objects/weave_object.ts";

/** Maximum ms for which `publish` waits for data about the project. */
const PUBLISH_WAIT_MS = 2_000;

/**
 * Writes and reads in one project. Created by {@linkcode init}.
 *
 * @example
 * ```ts ignore
 * import { init } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * const ref = await client.publish({ temperature: 0.5 }, "settings");
 * ```
 */
export class WeaveClient extends ClientCalls {
  /** The entity (team or user) that the project belongs to. */
  readonly entity: string;
  /** Name of the project. */
  readonly project: string;
  /** Host for user-facing links. */
  readonly domain: string;
  /** Base URL of links for users, such as `https://wandb.ai`. */
  readonly siteUrl: string;
  readonly #settings: Settings;
  readonly #pipeline: Pipeline;
  readonly #publisher: Publisher;
  readonly #projectIds: ProjectIdResolver;
  readonly #readers: readonly ApiClient[];
  readonly #clock: Clock;
  readonly #sampler: Sampler;

  /** Not for users: use {@linkcode init}. */
  constructor(deps: ClientDeps) {
    const { entity, project, settings, pipeline, ids, logger, reader } = deps;
    const projectId = `${entity}/${project}`;
    const projectIds = new ProjectIdResolver(deps.facts, deps.backgroundReader, deps.clock);
    const append: Pipeline["append"] = settings.disabled
      ? () => {}
      : (type, request) => pipeline.append(type, request);
    const publisher = new Publisher({
      projectId,
      append,
      ids,
      internalProjectId: projectIds.get,
      onUnknownProject: () => {
        if (settings.sender && !settings.disabled) void projectIds.resolve(projectId);
      },
      remember: !settings.disabled,
      redactor: deps.redactor,
    });
    const { globalAttributes, siteUrl } = settings;
    const printCallLink = settings.printCallLink ?? logger.isWatched;
    const sampler = new Sampler(settings.sampleRate, (error) => {
      const message = `Recorded a trace because sampleRate failed: ${describeError(error)}`;
      logger.once("warn", "sample-failed", message);
    });
    const calls: ClientCallsOptions = {
      projectId,
      append,
      ids,
      toText: publisher.toText,
      redactor: deps.redactor,
      sampler,
      saveText: publisher.saveRedacted,
      saveOp: publisher.opText,
      attributes: {
        weave: { client_version: VERSION, source: "js-sdk", ...systemAttributes(deps.system) },
        ...globalAttributes,
      },
      globalAttributes,
      printCallLink,
      onRootCall: printCallLink
        ? (callId) => logger.print(`🍩 ${siteUrl}/${projectId}/r/call/${callId}`)
        : undefined,
      logger,
    };
    const recorder = settings.disabled ? null : new CallRecorder(calls);
    super({ projectId, ids, append, publisher }, reader, pipeline, calls, recorder);
    this.entity = entity;
    this.project = project;
    this.domain = settings.domain;
    this.siteUrl = settings.siteUrl;
    this.#settings = settings;
    this.#pipeline = pipeline;
    this.#publisher = publisher;
    this.#projectIds = projectIds;
    this.#readers = [reader, deps.backgroundReader];
    this.#clock = deps.clock;
    this.#sampler = sampler;
    const { redactor } = deps;
    const noteStart: SpanTarget["noteStart"] = (type, request) =>
      pipeline.noteSpanStart?.(type, request);
    keepSpanTarget(this, { projectId, append, noteStart, redactor, sampler, logger, settings });
    openGlobalClient(this, recorder);
  }

  /**
   * Saves a value, and returns its ref. An object that is already saved keeps its ref.
   *
   * The record is written immediately, unless the value contains refs and the project's internal ID,
   * which their digests require, is not known yet: then `publish` requests it once, and waits for at
   * most 2 s.
   *
   * Meanwhile, the promise is the `__savedRef` of a `WeaveObject`.
   *
   * @param value An object, an op, a `WeaveObject` such as a `Dataset`, or any JSON value.
   * @param objectId The object's name. Default: the `name` of a `WeaveObject`, or a new ID.
   * @throws {WeaveWalError} `ERR_INVALID_NAME` if no object ID can be derived from the name.
   */
  publish(value: OpFields<AnyFunction>, objectId?: string): Promise<OpRef>;
  /**
   * Saves a value that is not an op.
   *
   * @param value A `WeaveObject` such as a `Dataset`, or any JSON value.
   * @param objectId The object's name. Default: the `name` of a `WeaveObject`, or a new ID.
   */
  publish(value: unknown, objectId?: string): Promise<ObjectRef>;
  publish(value: unknown, objectId?: string): Promise<ObjectRef | OpRef> {
    const saving = this.#publish(value, objectId);
    if (isWeaveObject(value)) setSavingRef(value, saving);
    return saving;
  }

  async #publish(value: unknown, objectId: string | undefined): Promise<ObjectRef | OpRef> {
    const { sender, disabled } = this.#settings;
    const unknown = this.#projectIds.get(this.projectId) === undefined;
    if (unknown && sender && !disabled && this.#publisher.holdsRefs(value)) {
      await this.#atMost(PUBLISH_WAIT_MS, this.#projectIds.resolve(this.projectId));
    }
    return this.#publisher.save(value, objectId);
  }

  /**
   * Saves an op. Same as {@linkcode WeaveClient.publish}, with the official SDK's name.
   *
   * @param op An op.
   * @param objectId The object's name. Default: the op's name.
   */
  saveOp(op: OpFields<AnyFunction>, objectId?: string): Promise<OpRef> {
    return this.publish(op, objectId);
  }

  /** Syncs everything written so far to stable storage; rejects with the file system error. */
  sync(): Promise<void> {
    return this.#pipeline.sync();
  }

  /**
   * Waits until everything written so far, and all records of dead processes, are delivered or
   * dead-lettered, regardless of which process sends them. Returns what is left.
   *
   * Never rejects.
   *
   * @param options Limits of the wait; default: wait until everything is delivered.
   */
  flush(options?: FlushOptions): Promise<FlushResult> {
    return this.#pipeline.flush(options);
  }

  /**
   * Sends the project's rejected dead letters again, after the cause was fixed. Those that fail
   * again stay. Waits until the server has accepted them, or until `signal` is aborted.
   *
   * @param options An abort signal that ends the wait (default: none).
   */
  retryDeadLetters(options?: { signal?: AbortSignal }): Promise<RetryResult> {
    return this.#pipeline.retryDeadLetters(options);
  }

  /**
   * Returns counts of pending, delivered, dead-lettered and dropped records, and the state of the
   * server. Counts the pending records, so it reads the backlog once.
   */
  async stats(): Promise<ClientStats> {
    return { ...await this.#pipeline.stats(), sampledOut: this.#sampler.sampledOut };
  }

  /**
   * Returns the metrics of this process's log and sender as text, for Prometheus and compatible
   * systems. Counts pending records, like {@linkcode WeaveClient.stats}. docs/operations/metrics.md
   * lists the names.
   *
   * @param format `openmetrics` (the default) or `prometheus`, its older text format.
   *
   * @example
   * ```ts ignore
   * import { createServer } from "node:http";
   * import { init } from "@weave-wal/client";
   *
   * const client = await init("team/project");
   * createServer(async (_request, response) => {
   *   response.setHeader("content-type", "text/plain; version=0.0.4");
   *   response.end(await client.metrics("prometheus"));
   * }).listen(9464, "127.0.0.1");
   * ```
   */
  async metrics(format: MetricsFormat = "openmetrics"): Promise<string> {
    const { pipelineMetrics } = await import("../pipeline/status/metrics.ts");
    return (await pipelineMetrics(this.#pipeline, this.#clock)).text(format);
  }

  /**
   * Flushes and closes the client. Ops are plain function calls afterwards. Never rejects.
   *
   * With a log on disk, records that are left at the limits of `options` are sent by the next run;
   * otherwise they are lost.
   *
   * @param options Limits of the wait; default: wait until everything is delivered.
   */
  async finish(options?: FlushOptions): Promise<FlushResult> {
    closeGlobalClient(this);
    const result = await this.#pipeline.finish(options);
    for (const reader of this.#readers) reader.close();
    await this.#projectIds.idle();
    return result;
  }

  /** Same as {@linkcode WeaveClient.flush}, with the official SDK's name. */
  async waitForBatchProcessing(): Promise<void> {
    await this.flush();
  }

  /**
   * Same as {@linkcode WeaveClient.finish}, with a limit of 2 s (`exitDrainMs`) with a log on disk,
   * otherwise 30 s (`timeoutMs`).
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { wal, exitDrainMs, timeoutMs } = this.#settings;
    await this.finish({ timeout: wal ? exitDrainMs : timeoutMs });
  }

  /** Starts finishing, without waiting for it. */
  [Symbol.dispose](): void {
    void this[Symbol.asyncDispose]();
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    let stop = (): void => {};
    const limit = new Promise<void>((resolve) => {
      const timer = this.#clock.after(ms, resolve, { ref: true });
      stop = () => timer.cancel();
    });
    await Promise.race([work, limit]);
    stop();
  }
}

markClass(WeaveClient, "WeaveClient");

/** Returns the runtime and the operating system, with the Python SDK's attribute names. */
function systemAttributes(
  { runtime, osName, osRelease, osVersion }: SystemFacts,
): Record<string, string | undefined> {
  return {
    sys_version: runtime,
    ...(osName === undefined ? {} : { os_name: osName }),
    ...(osVersion === undefined ? {} : { os_version: osVersion }),
    ...(osRelease === undefined ? {} : { os_release: osRelease }),
  };
}
