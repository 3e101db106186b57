/**
 * Removes the API key from text that a server sent.
 *
 * Servers and proxies may repeat the headers of a request in an error. What they say is shown,
 * logged and stored with dead letters, so the key is removed where the text enters.
 *
 * @module
 */

/** Text in place of a key. */
export const REDACTED = "[redacted]";
/** Characters below which a text is too short to be a key, and would be found in innocent words. */
const MIN_SECRET_LENGTH = 4;

/** Returns a function that removes `apiKey` from a text, as it is and in Base64. */
export function redactor(apiKey: string | undefined): (text: string) => string {
  if (!apiKey) return (text) => text;
  const plain = [apiKey, encodeURIComponent(apiKey), JSON.stringify(apiKey).slice(1, -1)];
  // Padding may be missing or encoded; what remains of it gives nothing away.
  const encoded = [`api:${apiKey}`, apiKey].map((text) => base64(text).replace(/=+$/, ""));
  const forURLs = encoded.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const secrets = [...new Set([...encoded, ...forURLs, ...plain])]
    .filter(({ length }) => length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, REDACTED), text);
}

/** Base64 of the UTF-8 bytes of a text. */
export function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
