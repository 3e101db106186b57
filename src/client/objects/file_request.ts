/**
 * The request of a `file_create` record.
 *
 * @module
 */

import { base64 } from "../../protocol/json/base64.ts";
import { jsonString } from "../../protocol/json/well_formed.ts";

/** Returns the JSON text of the request that saves a file. */
export function fileRequest(
  projectId: string,
  name: string,
  content: string | Uint8Array,
): string {
  const head = `{"project_id":${jsonString(projectId)},"name":${jsonString(name)},`;
  return typeof content === "string"
    ? `${head}"content":${jsonString(content)}}`
    : `${head}"content_base64":"${base64(content)}"}`;
}
