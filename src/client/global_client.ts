/**
 * The clients of the process, and which of them the running code uses.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import { setTracing, shared } from "../runtime/process/shared_state.ts";
import type { CallRecorder } from "./calls/call_recorder.ts";
import { currentContext } from "./calls/call_stack.ts";
import { isOwnCode } from "./calls/own_code.ts";

/**
 * Name and version of a saved object.
 *
 * @example
 * ```ts
 * import type { SavedRef } from "@weave-wal/client";
 *
 * const ref: SavedRef = { projectId: "team/project", objectId: "settings", digest: "latest" };
 * if (ref.digest !== "latest") throw new Error();
 * ```
 */
export interface SavedRef {
  /** `entity/project`. */
  readonly projectId: string;
  /** ID of the object. */
  readonly objectId: string;
  /** Digest of its value, or `"latest"`. */
  readonly digest: string;
}

/** The part of a client that client-independent functions use. */
export interface GlobalClient {
  /** `entity/project`. */
  readonly projectId: string;
  /** Host for user-facing links. */
  readonly domain: string;
  /** Base URL of links for users, such as `https://wandb.ai`. */
  readonly siteUrl: string;
  /** Reads the object of a ref. */
  get(ref: SavedRef): Promise<unknown>;
  /** Saves a value. */
  publish(value: object, objectId?: string): Promise<SavedRef>;
  /** Records a score of a call. */
  addScore(
    predictCallId: string,
    scorerCallId: string,
    runnableRefUri: string,
    scorerOutput: unknown,
  ): Promise<string>;
  /** Reads the rows of a table. */
  tableRows(projectId: string, digest: string): Promise<{ digest: string; val: unknown }[]>;
}

/** Shared by all copies of the package: `init` in one bundle records the ops of another. */
const state = shared("clients", () => ({
  current: null as GlobalClient | null,
  recorder: null as CallRecorder | null,
  /** Open clients, each with the recorder of its calls; `null` for a disabled client. */
  open: new Map<GlobalClient, CallRecorder | null>(),
  /** Open clients by recorder. */
  clients: new Map<object, GlobalClient>(),
}));

/** Registers an open client; `recorder` records the calls of its ops, if given. */
export function openGlobalClient(client: GlobalClient, recorder: CallRecorder | null): void {
  state.open.set(client, recorder);
  if (recorder !== null) state.clients.set(recorder, client);
  setTracing(true);
}

/**
 * Unregisters a client, which then receives no more calls. Ends calls whose results are pending.
 */
export function closeGlobalClient(client: GlobalClient): void {
  const recorder = state.open.get(client);
  recorder?.endUnfinished();
  state.open.delete(client);
  if (recorder) state.clients.delete(recorder);
  if (state.current === client) setGlobalClient(null);
  setTracing(state.open.size > 0);
}

/** Returns whether `client` is open. */
export function isOpen(client: GlobalClient): boolean {
  return state.open.has(client);
}

/** Sets the client for code outside of all calls. */
export function setGlobalClient(client: GlobalClient | null): void {
  state.current = client;
  state.recorder = client === null ? null : state.open.get(client) ?? null;
}

/** Returns the client for code outside of all calls. */
export function currentClient(): GlobalClient | null {
  return state.current;
}

/** Returns the recorder of an open client. */
export function recorderOf(client: GlobalClient): CallRecorder | null {
  return state.open.get(client) ?? null;
}

/** Returns the open client that uses the recorder `owner`. */
export function clientOfRecorder(owner: object | null): GlobalClient | undefined {
  return owner === null ? undefined : state.clients.get(owner);
}

/**
 * Returns the client that the running code uses: that of the current call, so that a call and
 * everything inside it stay in one project, otherwise the client of the latest `init`. `null` if
 * there is none.
 */
export function globalClient(): GlobalClient | null {
  const owner = currentContext()?.owner;
  return (owner && state.clients.get(owner)) ?? state.current;
}

/**
 * Returns the client for reading from a project: an open client for it, which knows its own
 * undelivered writes, otherwise the client that the running code uses.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` if no client is open.
 */
export function clientFor(projectId: string): GlobalClient {
  const current = globalClient();
  if (current?.projectId === projectId) return current;
  for (const client of state.open.keys()) if (client.projectId === projectId) return client;
  return requireGlobalClient();
}

/**
 * Returns the recorder for calls of the running code; `null` if there is none. Runs for every call.
 */
export function globalRecorder(): CallRecorder | null {
  if (state.clients.size === 0 || isOwnCode()) return null;
  const context = currentContext();
  if (context === undefined) return state.recorder;
  if (context.untraced) return null;
  const { owner } = context;
  return owner !== null && state.clients.has(owner) ? owner as CallRecorder : state.recorder;
}

/**
 * Returns the client that the running code uses.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
 */
export function requireGlobalClient(): GlobalClient {
  const client = globalClient();
  if (client) return client;
  throw new WeaveWalError(
    "ERR_NOT_INITIALIZED",
    'Cannot find a Weave client: call init("entity/project") first',
  );
}
