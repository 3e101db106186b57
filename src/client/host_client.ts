/**
 * Opens a client in the current JavaScript runtime, or returns the one that is already open.
 *
 * Loaded by the first call of `init`, so that programs that only define ops do not load settings,
 * log and sender.
 *
 * @module
 */

import { detectRuntime } from "../runtime/detect.ts";
import { standardError } from "../runtime/standard_error.ts";
import type { WeaveClient } from "./weave_client/client.ts";
import { findClient, keepClient, lastGiven } from "./client_pool.ts";
import { createLogger } from "./logger.ts";
import {
  type ClientEnvironment,
  openClient,
  openClientNow,
  type OpenTarget,
} from "./open_client.ts";
import { openPipeline } from "./pipeline/create_pipeline.ts";
import { backgroundFetch, hostFetch } from "./server/host_fetch.ts";
import type { InitOptions } from "./settings/options.ts";

/**
 * Opens the client for `init`.
 *
 * @throws {WeaveWalError} The errors of `init`.
 */
export async function openHostClient(project: string, options: InitOptions): Promise<WeaveClient> {
  const { options: steady, given } = lastGiven(options);
  const extra = { given, ownRuntime: options?.runtime !== undefined };
  return await openClient(project, steady, {
    ...environment(),
    pool: {
      find: (target) => {
        const found = findClient({ ...target, ...extra });
        if (found?.differs) reportDifference(target, found.differs, options);
        return found && found.client;
      },
      keep: (target, client) => keepClient({ ...target, ...extra }, client),
    },
  });
}

/**
 * Opens a client synchronously that is not shared.
 *
 * @param project `entity/project`.
 * @throws {WeaveWalError} The errors of `init`; `ERR_INVALID_NAME` for a name without an entity.
 */
export function openOwnClient(project: string, options: InitOptions): WeaveClient {
  return openClientNow(project, options, environment());
}

function environment(): ClientEnvironment {
  return {
    runtime: detectRuntime(),
    fetch: hostFetch,
    background: backgroundFetch,
    sink: standardError,
    openPipeline,
  };
}
/** Warns that options of a later `init` are ignored. */
function reportDifference(
  { entity, project, settings }: OpenTarget,
  names: string,
  { onEvent }: InitOptions,
): void {
  createLogger(settings.logLevel, standardError, onEvent).event({
    level: "warn",
    name: "init-again",
    message: `${entity}/${project} is open already: this init differs in ${names}, which is not ` +
      "used; call finish() before init() to change it",
  });
}
