/**
 * The official SDK's question for the default entity, answered from memory when nobody else does.
 *
 * @module
 */

import { defaultEntity } from "../../client/server/default_entity.ts";
import { ApiClient } from "../../client/server/api_client.ts";
import type { Json } from "./json_text.ts";
import type { SdkLogs } from "../logs/sdk_logs.ts";
import { apiKeyIn, type SdkRequest } from "./sdk_request.ts";

/** Ms that the server may take before a remembered entity is used. */
const WAIT_MS = 5_000;

/** Whether a request asks who the key belongs to. */
export function isEntityQuestion({ url, init }: SdkRequest): boolean {
  return url.endsWith("/graphql") && typeof init?.body === "string" &&
    init.body.includes("defaultEntity");
}

/**
 * The answer to the question, the server's or the remembered one.
 *
 * @returns `null` when there is neither: then the SDK may ask as it likes.
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
