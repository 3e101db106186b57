/**
 * Determines the entity of a project that was given without one.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { fileDigest } from "../../protocol/digest/digest.ts";
import type { MetadataCache } from "./metadata_cache.ts";
import type { ApiClient } from "./api_client.ts";

const QUERY = "query DefaultEntity { viewer { username defaultEntity { name } } }";

/**
 * Requests the key's default entity from the W&B server, and caches it for when the server is
 * unreachable.
 *
 * @throws {WeaveWalError} `ERR_REQUEST_FAILED` if it is unknown and cannot be requested.
 */
export async function defaultEntity(
  { reader, facts, apiKey = "" }: { reader: ApiClient; facts: MetadataCache; apiKey?: string },
): Promise<string> {
  // A part of a digest distinguishes keys without revealing them.
  const key = fileDigest(`weave-wal:${apiKey}`).slice(0, 12);
  try {
    const answer = await reader.json("/graphql", { query: QUERY, variables: {} }) as {
      data?: { viewer?: { defaultEntity?: { name?: unknown } } };
    };
    const name = answer.data?.viewer?.defaultEntity?.name;
    if (typeof name !== "string" || name === "") {
      throw new WeaveWalError("ERR_REQUEST_FAILED", "the server names no default entity");
    }
    facts.set("entities", key, name);
    return name;
  } catch (cause) {
    const remembered = facts.get("entities", key);
    if (remembered !== undefined) return remembered;
    const { message, status } = cause as WeaveWalError;
    throw new WeaveWalError(
      "ERR_REQUEST_FAILED",
      `Cannot find the default entity (${message}); name it: init("entity/project")`,
      { cause, ...(status === undefined ? {} : { status }) },
    );
  }
}
