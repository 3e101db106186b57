/**
 * Form in which a file is sent.
 * Not built with the runtime's `FormData`, which uses a new boundary for each request: a file that
 * is sent again would have different bytes.
 * @module
 */

import { fromBase64 } from "../../protocol/json/base64.ts";
import { FormBody } from "../http/form_body.ts";

/** `file_create` request in the log. */
export interface FileRequest {
  readonly project_id: string;
  readonly name: string;
  readonly content?: string;
  readonly content_base64?: string;
}

/**
 * Builds the form of a file.
 * @throws if a field has another type or the content is not Base64.
 */
export function formOf(file: FileRequest): FormBody {
  return new FormBody([
    { name: "project_id", content: new TextEncoder().encode(textOf(file, "project_id")) },
    { name: "file", filename: textOf(file, "name"), content: fileContent(file) },
  ]);
}

function fileContent(file: FileRequest): Uint8Array<ArrayBuffer> {
  if (file.content_base64 === undefined) {
    return new TextEncoder().encode(file.content == null ? "" : textOf(file, "content"));
  }
  return fromBase64(textOf(file, "content_base64"));
}

function textOf(file: FileRequest, field: keyof FileRequest): string {
  const value: unknown = file[field];
  if (typeof value === "string") return value;
  throw new TypeError(`Cannot use ${field} of a file: ${JSON.stringify(value)} is not text`);
}
