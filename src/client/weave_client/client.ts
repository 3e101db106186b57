/**
 * `WeaveClient`: everything that can be written and read under one project.
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
import type { RetryResult } from "../../delivery/resend_dead_letters.ts";
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

/** Most ms that `publish` waits for what it needs to know of the project. */
const PUBLISH_WAIT_MS = 2_000;

/**
 * Writes and reads under one project. Made by {@linkcode init}.
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
  /** The project's name. */
  readonly project: string;
  /** The host of links for people. */
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

  /** Not for users: {@linkcode init} makes clients. */
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
   * Saves a value and gives its ref. An object that was saved before keeps its ref.
   *
   * The record is made at once; only for a value that refers to others does it wait, for 2 s at
   * most, for what digests of refs need and what the server tells once a project.
   *
   * Meanwhile a `WeaveObject` has the promise as its `__savedRef`.
   *
   * @param value An object, an op, a `WeaveObject` such as a `Dataset`, or any JSON value.
   * @param objectId The object's name; the `name` of a `WeaveObject`, or a new id, unless given.
   * @throws {WeaveWalError} `ERR_INVALID_NAME` for a name without a letter or a digit.
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
   * Saves an op, under the official SDK's name. As {@linkcode WeaveClient.publish}.
   *
   * @param op An op.
   * @param objectId The object's name. Default: the op's name.
   */
  saveOp(op: OpFields<AnyFunction>, objectId?: string): Promise<OpRef> {
    return this.publish(op, objectId);
  }

  /**
   * Forces what was written so far to stable storage; rejects with the host's error where it
   * cannot.
   */
  sync(): Promise<void> {
    return this.#pipeline.sync();
  }

  /**
   * Waits until all that was written so far is delivered or dead-lettered, and what dead processes
   * left, whichever process sends it; says what is left.
   * Never rejects.
   *
   * @param options Limits of the wait; default: until all is delivered.
   */
  flush(options?: FlushOptions): Promise<FlushResult> {
    return this.#pipeline.flush(options);
  }

  /**
   * Sends the project's dead letters again that the server refused, after what made it refuse them
   * was fixed. Those that fail again stay. Waits as long as the server takes, or until `signal` is
   * aborted.
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
   * The metrics of this process's log and sender as text, for Prometheus and whatever reads its
   * formats. Counts the records that are pending, as {@linkcode WeaveClient.stats} does. The names
   * are listed in docs/operations/metrics.md.
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
   * Flushes and closes. Ops are plain function calls afterwards. Never rejects.
   *
   * Without the log, what is left when the limits of `options` are reached is lost; with it, the
   * next run sends it.
   */
  async finish(options?: FlushOptions): Promise<FlushResult> {
    closeGlobalClient(this);
    const result = await this.#pipeline.finish(options);
    for (const reader of this.#readers) reader.close();
    await this.#projectIds.idle();
    return result;
  }

  /** The official SDK's name for waiting until calls are sent. */
  async waitForBatchProcessing(): Promise<void> {
    await this.flush();
  }

  /**
   * {@linkcode WeaveClient.finish}, bounded: 2 s (`exitDrainMs`) with the log, else 30 s
   * (`timeoutMs`).
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { wal, exitDrainMs, timeoutMs } = this.#settings;
    await this.finish({ timeout: wal ? exitDrainMs : timeoutMs });
  }

  /** Starts to finish, without waiting for it. */
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

/** The runtime and the operating system, under the names that the Python SDK gives them. */
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
