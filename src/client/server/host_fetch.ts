/**
 * The host's `fetch`.
 *
 * @module
 */

import { detectRuntime } from "../../runtime/detect.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { unreachable } from "../settings/grants.ts";

/**
 * Calls the host's `fetch` as it is at the time: some programs put another in its place.
 *
 * @throws {WeaveWalError} `ERR_REQUEST_FAILED` where the host does not grant the server.
 */
export const hostFetch: Fetch = (url, init) => {
  const refused = unreachable(detectRuntime(), url);
  return refused === null ? globalThis.fetch(url, init) : Promise.reject(refused);
};
