/**
 * Removes the API key from text that a server sent.
 * Servers and proxies may repeat request headers in an error. Their messages are shown, logged and
 * stored with dead letters, so the key is removed on receipt.
 * @module
 */

/** Replacement for a key. */
export const REDACTED = "[redacted]";
/** Minimum length of a secret: shorter text would match ordinary words. */
const MIN_SECRET_LENGTH = 4;

/** Returns the forms in which a key occurs in text: literally, encoded, and in Base64. */
export function keyForms(apiKey: string): string[] {
  const plain = [apiKey, encodeURIComponent(apiKey), JSON.stringify(apiKey).slice(1, -1)];
  // Padding may be missing or encoded; leftover padding reveals nothing.
  const encoded = [`api:${apiKey}`, apiKey].map((text) => base64(text).replace(/=+$/, ""));
  const forURLs = encoded.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [...new Set([...encoded, ...forURLs, ...plain])]
    .filter(({ length }) => length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
}

/** Returns a function that removes `apiKey` from a text, both literally and in Base64. */
export function redactor(apiKey: string | undefined): (text: string) => string {
  if (!apiKey) return (text) => text;
  const secrets = keyForms(apiKey);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, REDACTED), text);
}

/** Returns the Base64 of a text's UTF-8 bytes. */
export function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
