/**
 * `--log nats://…`: a log in a stream instead of a directory.
 *
 * @module
 */

import { type Command, Option } from "commander";
import type { LogAddress } from "../../jetstream/nats/connect.ts";
import type { NatsEngine } from "../../jetstream/nats/nats_engine.ts";
import type { StreamSettings } from "../../jetstream/nats/stream_config.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { CommandError } from "../exit_codes.ts";

/** The value of `--log`. */
export interface LogOptionFlags {
  readonly log?: string;
}

/** Adds `--log`. */
export function withStreamOption(command: Command): Command {
  return command.addOption(
    new Option(
      "--log <url>",
      "log on NATS JetStream: nats://host1,host2,host3[/STREAM]; credentials: NATS_… variables",
    ),
  );
}

/** @throws {CommandError} For options that apply to a directory, or to programs on this machine. */
export function refuseWithStream(
  flags: Readonly<Record<string, unknown>>,
  names: readonly string[],
): void {
  for (const name of names) {
    if (flags[name] === undefined) continue;
    throw new CommandError(`Cannot use ${optionOf(name)} with --log`);
  }
}

/** Returns the option with this property name. */
export function optionOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
}

/**
 * Parses the address.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export async function streamAddress(log: string): Promise<LogAddress> {
  const { parseLogAddress } = await import("../../jetstream/nats/connect.ts");
  return parseLogAddress(log);
}

/**
 * Connects to the log's engine.
 *
 * @throws {EngineError} If it cannot be reached.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export async function openStream(
  runtime: Runtime,
  log: string,
  settings: Omit<StreamSettings, "name"> = {},
): Promise<NatsEngine> {
  const { openEngine } = await import("../../jetstream/nats/open_engine.ts");
  return await openEngine({ runtime, address: await streamAddress(log), settings });
}
