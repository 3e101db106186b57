/**
 * The entity of a project that was named without one.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { fileDigest } from "../../protocol/digest/digest.ts";
import type { MetadataCache } from "./metadata_cache.ts";
import type { ApiClient } from "./api_client.ts";

const QUERY = "query DefaultEntity { viewer { username defaultEntity { name } } }";

/**
 * Asks the W&B server for the default entity of the key, and remembers it for the time when the
 * server is out of reach.
 *
 * @throws {WeaveWalError} `ERR_REQUEST_FAILED` if it is unknown and cannot be requested.
 */
export async function defaultEntity(
  { reader, facts, apiKey = "" }: { reader: ApiClient; facts: MetadataCache; apiKey?: string },
): Promise<string> {
  // Part of a digest tells keys apart and does not give them away.
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
