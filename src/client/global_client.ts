/**
 * The client that `init` made last: the one that ops write to.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import type { CallRecorder } from "./op/call_recorder.ts";

/** What names a saved object. */
export interface SavedRef {
  /** `entity/project`. */
  readonly projectId: string;
  /** The object's id. */
  readonly objectId: string;
  /** The digest of its value, or `"latest"`. */
  readonly digest: string;
}

/** What the parts of the API that know no client need of one. */
export interface GlobalClient {
  /** The host of links for people. */
  readonly domain: string;
  /** Reads what a ref names. */
  get(ref: SavedRef): Promise<unknown>;
  /** Saves a value. */
  publish(value: object, objectId?: string): Promise<SavedRef>;
  /** Reads the rows of a table. */
  tableRows(projectId: string, digest: string): Promise<{ digest: string; val: unknown }[]>;
}

const recorders = new WeakMap<GlobalClient, CallRecorder>();
let current: GlobalClient | null = null;
let recorder: CallRecorder | null = null;

/** The client that ops write to; `null` before `init` and after `finish`. */
export function globalClient(): GlobalClient | null {
  return current;
}

/** What records calls now; `null` where nothing does. Asked by every call of every op. */
export function globalRecorder(): CallRecorder | null {
  return recorder;
}

/** Remembers what records the calls of `client`'s ops; a client without it does not trace. */
export function setRecorder(client: GlobalClient, own: CallRecorder): void {
  recorders.set(client, own);
}

/** Makes `client` the one that ops write to. */
export function setGlobalClient(client: GlobalClient | null): void {
  current = client;
  recorder = client === null ? null : recorders.get(client) ?? null;
}

/**
 * The client that ops write to.
 *
 * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
 */
export function requireGlobalClient(): GlobalClient {
  if (!current) {
    throw new WeaveWalError(
      "ERR_NOT_INITIALIZED",
      'Cannot reach a Weave client: call init("entity/project") first',
    );
  }
  return current;
}
