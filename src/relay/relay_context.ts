/**
 * Values that a relay passes with each request, and responses to it.
 *
 * @module
 */

import type { Context } from "hono";

/** Values passed with each request. */
export interface RelayEnv {
  /** `left` is aborted when the caller disconnects. */
  Bindings: { left: AbortSignal };
  Variables: { body: Uint8Array<ArrayBuffer> };
}

/** A request being handled. */
export type RelayContext = Context<RelayEnv>;

/** Creates a response from JSON text. */
export function json(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
