/**
 * The clients of the process, and which of them the running code writes to.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import { setTracing, shared } from "../runtime/process/shared_state.ts";
import type { CallRecorder } from "./calls/call_recorder.ts";
import { currentContext } from "./calls/call_stack.ts";

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
  /** The object's id. */
  readonly objectId: string;
  /** The digest of its value, or `"latest"`. */
  readonly digest: string;
}

/** The part of a client that the API without a client uses. */
export interface GlobalClient {
  /** `entity/project`. */
  readonly projectId: string;
  /** The host of links for people. */
  readonly domain: string;
  /** Base URL of links for users, such as `https://wandb.ai`. */
  readonly siteUrl: string;
  /** Reads what a ref names. */
  get(ref: SavedRef): Promise<unknown>;
  /** Saves a value. */
  publish(value: object, objectId?: string): Promise<SavedRef>;
  /** Records what a scorer says of a call. */
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
  /** Open clients, each with what records its calls; a disabled client has no recorder. */
  open: new Map<GlobalClient, CallRecorder | null>(),
  /** The same the other way round. */
  clients: new Map<object, GlobalClient>(),
}));

/** Opens `client`: the calls of its ops are recorded by `recorder`, or by nobody. */
export function openGlobalClient(client: GlobalClient, recorder: CallRecorder | null): void {
  state.open.set(client, recorder);
  if (recorder !== null) state.clients.set(recorder, client);
  setTracing(true);
}

/**
 * Closes `client`: no call goes to it any more. Calls that wait for what comes of their results end.
 */
export function closeGlobalClient(client: GlobalClient): void {
  const recorder = state.open.get(client);
  recorder?.endUnfinished();
  state.open.delete(client);
  if (recorder) state.clients.delete(recorder);
  if (state.current === client) setGlobalClient(null);
  setTracing(state.open.size > 0);
}

/** Whether `client` takes calls. */
export function isOpen(client: GlobalClient): boolean {
  return state.open.has(client);
}

/** Makes `client` the one that code outside of every call writes to. */
export function setGlobalClient(client: GlobalClient | null): void {
  state.current = client;
  state.recorder = client === null ? null : state.open.get(client) ?? null;
}

/** The client that code outside of every call writes to. */
export function currentClient(): GlobalClient | null {
  return state.current;
}

/** The recorder of an open client's calls. */
export function recorderOf(client: GlobalClient): CallRecorder | null {
  return state.open.get(client) ?? null;
}

/** The open client whose calls `owner` records. */
export function clientOfRecorder(owner: object | null): GlobalClient | undefined {
  return owner === null ? undefined : state.clients.get(owner);
}

/**
 * The client that the running code writes to: that of the call it belongs to, so that a call and all
 * that it does stay in one project, else the one that `init` made last. `null` where there is none.
 */
export function globalClient(): GlobalClient | null {
  const owner = currentContext()?.owner;
  return (owner && state.clients.get(owner)) ?? state.current;
}

/**
 * The client to read with what a project holds: one that is open for it, which knows what it has
 * written and not delivered, else the one that the running code writes to.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` where no client is open.
 */
export function clientFor(projectId: string): GlobalClient {
  const current = globalClient();
  if (current?.projectId === projectId) return current;
  for (const client of state.open.keys()) if (client.projectId === projectId) return client;
  return requireGlobalClient();
}

/** The recorder of the running code's calls; `null` if there is none. Read by every call. */
export function globalRecorder(): CallRecorder | null {
  if (state.clients.size === 0) return null;
  const context = currentContext();
  if (context === undefined) return state.recorder;
  if (context.untraced) return null;
  const { owner } = context;
  return owner !== null && state.clients.has(owner) ? owner as CallRecorder : state.recorder;
}

/**
 * The client that the running code writes to.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
 */
export function requireGlobalClient(): GlobalClient {
  const client = globalClient();
  if (client) return client;
  throw new WeaveWalError(
    "ERR_NOT_INITIALIZED",
    'Cannot reach a Weave client: call init("entity/project") first',
  );
}
