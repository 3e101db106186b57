/**
 * The request of a `file_create` record.
 *
 * @module
 */

/** JSON text of the request that saves a file. */
export function fileRequest(
  projectId: string,
  name: string,
  content: string | Uint8Array,
): string {
  const head = `{"project_id":${JSON.stringify(projectId)},"name":${JSON.stringify(name)},`;
  return typeof content === "string"
    ? `${head}"content":${JSON.stringify(content)}}`
    : `${head}"content_base64":${JSON.stringify(base64(content))}}`;
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(binary);
}
