/**
 * Answers the official SDK's query for the default entity from a cache if the server does not.
 *
 * @module
 */

import { defaultEntity } from "../../client/server/default_entity.ts";
import { ApiClient } from "../../client/server/api_client.ts";
import type { Json } from "./json_text.ts";
import type { SdkLogs } from "../logs/sdk_logs.ts";
import { apiKeyIn, type SdkRequest } from "./sdk_request.ts";

/** Ms to wait for the server before the cached entity is used. */
const WAIT_MS = 5_000;

/** Returns whether a request queries the owner of the key. */
export function isEntityQuestion({ url, init }: SdkRequest): boolean {
  return url.endsWith("/graphql") && typeof init?.body === "string" &&
    init.body.includes("defaultEntity");
}

/**
 * Returns the server's response to the query, or the cached one.
 *
 * @returns `null` if there is neither; the SDK may then send its own request.
 */
export async function entityAnswer(logs: SdkLogs, request: SdkRequest): Promise<Json | null> {
  const apiKey = apiKeyIn(request.headers);
  const reader = new ApiClient({
    fetch: logs.fetch,
    clock: logs.runtime.clock,
    url: request.url.slice(0, -"/graphql".length),
    apiKey,
    timeoutMs: WAIT_MS,
  });
  try {
    const name = await defaultEntity({ reader, facts: logs.facts(), apiKey });
    return { data: { viewer: { username: name, defaultEntity: { name } } } };
  } catch {
    return null;
  }
}
