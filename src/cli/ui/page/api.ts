/**
 * Requests to the page's server.
 *
 * @module
 */

import type { DeadLetterSelection, ErrorView } from "../api_types.ts";

/** Values of a query; `undefined` values are omitted. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** Returns an address relative to that of the page, which contains the token. */
export function address(path: string, query: Query = {}): string {
  const values = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)])
  );
  const text = new URLSearchParams(values).toString();
  return text === "" ? `api/${path}` : `api/${path}?${text}`;
}

/** Requests JSON. Rejects with a message for people. */
export async function get<Answer>(
  path: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<Answer> {
  return await answerOf<Answer>(fetch(address(path, query), { signal: signal ?? null }));
}

/** Retries dead letters. */
export async function retry(selection: DeadLetterSelection): Promise<void> {
  await answerOf(fetch(address("dead-letters/retry"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(selection),
  }));
}

/** Saves dead letters as a file. */
export function saveDeadLetters({ ids, ...rest }: DeadLetterSelection): void {
  const link = document.createElement("a");
  link.href = address("dead-letters/export", { ...rest, id: ids });
  link.download = "dead-letters.jsonl";
  link.click();
}

async function answerOf<Answer>(sent: Promise<Response>): Promise<Answer> {
  let response: Response;
  try {
    response = await sent;
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new Error("weave-wal ui does not answer: it has probably ended");
  }
  const value = await response.json().catch(() => null);
  if (response.ok) return value as Answer;
  throw new Error((value as ErrorView | null)?.error ?? `HTTP ${response.status}`);
}
