/**
 * The client that `init` made last: the one that ops write to.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import type { CallRecorder } from "./call_recorder.ts";

/** What names a saved object. */
export interface SavedRef {
  /** `entity/project`. */
  readonly projectId: string;
  readonly objectId: string;
  readonly digest: string;
}

/** What the parts of the API that know no client need of one. */
export interface GlobalClient {
  /** Records calls; `null` where tracing is disabled. */
  readonly recorder: CallRecorder | null;
  /** The host of links for people. */
  readonly domain: string;
  /** Reads what a ref names. */
  get(ref: SavedRef): Promise<unknown>;
  /** Saves a value. */
  publish(value: object, objectId?: string): Promise<SavedRef>;
  /** Reads the rows of a table. */
  tableRows(projectId: string, digest: string): Promise<{ digest: string; val: unknown }[]>;
}

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

/** Makes `client` the one that ops write to. */
export function setGlobalClient(client: GlobalClient | null): void {
  current = client;
  recorder = client?.recorder ?? null;
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
