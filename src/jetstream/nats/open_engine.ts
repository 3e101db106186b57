/**
 * Opens the engine of the log set by `--log`.
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { connectTo, type LogAddress } from "./connect.ts";
import { ask } from "./errors.ts";
import { loadNats } from "./modules.ts";
import { NatsEngine } from "./nats_engine.ts";
import { applyPlan } from "./apply_plan.ts";
import { planStreams, type StreamPlan, type StreamSettings } from "./stream_config.ts";

/** Options for {@linkcode openEngine}. */
export interface OpenEngineOptions {
  readonly runtime: Runtime;
  readonly address: LogAddress;
  readonly settings?: Omit<StreamSettings, "name">;
  /** Time limit for the acknowledgement of a message, in ms. */
  readonly publishMs?: number;
}

/**
 * Connects, creates missing streams and checks existing ones.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`. @throws {EngineError} `away`, `refused`.
 */
export async function openEngine(options: OpenEngineOptions): Promise<NatsEngine> {
  const { runtime, address, settings, publishMs } = options;
  const modules = await loadNats();
  const connection = await connectTo(modules, runtime, address);
  try {
    const manager = await ask(() => modules.jetstream.jetstreamManager(connection));
    const plan = await planStreams(manager, { ...settings, name: address.stream });
    await applyPlan(modules, manager, plan, settings);
    const { facts } = plan;
    return await NatsEngine.open({
      modules,
      connection,
      manager,
      clock: runtime.clock,
      facts,
      ...(publishMs === undefined ? {} : { publishMs }),
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Plans what {@linkcode openEngine} would make and change. Throws as it does. */
export async function planEngine(
  options: OpenEngineOptions,
): Promise<StreamPlan & { readonly maxPayload: number }> {
  const { runtime, address, settings } = options;
  const modules = await loadNats();
  const connection = await connectTo(modules, runtime, address);
  try {
    const manager = await ask(() => modules.jetstream.jetstreamManager(connection));
    const plan = await planStreams(manager, { ...settings, name: address.stream });
    return { ...plan, maxPayload: connection.info?.max_payload ?? 0 };
  } finally {
    await connection.close();
  }
}
