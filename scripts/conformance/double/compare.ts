/**
 * Sends the same requests to two servers and compares the status and the shape of their
 * responses.
 *
 * @module
 */

import { type Exchange, STORIES } from "./exchanges.ts";

/** A server under comparison. */
export interface Side {
  readonly url: string;
  /** Merges its tables. */
  merge(): Promise<void>;
}

/** A request with different responses. */
export interface Difference {
  /** `story: request`. */
  readonly name: string;
  readonly mock: string;
  readonly real: string;
}

/** Result of a comparison. */
export interface Comparison {
  readonly compared: number;
  readonly differences: readonly Difference[];
}

/** Compares the responses to all stories, in projects named after `prefix`. */
export async function compareServers(mock: Side, real: Side, prefix: string): Promise<Comparison> {
  const differences: Difference[] = [];
  let compared = 0;
  for (const [index, [story, exchangesOf]] of Object.entries(STORIES).entries()) {
    for (const exchange of exchangesOf(`suite/${prefix}-${index}`)) {
      if (exchange.afterMerge) await Promise.all([mock.merge(), real.merge()]);
      const [fromMock, fromReal] = await Promise.all([
        answerOf(mock, exchange),
        answerOf(real, exchange),
      ]);
      compared++;
      // One response may list the problems with every form that a value could have.
      if (fromMock.some((shape) => fromReal.includes(shape))) continue;
      const name = `${story}: ${exchange.name}`;
      differences.push({ name, mock: fromMock[0], real: fromReal[0] });
    }
  }
  return { compared, differences };
}

/** Status and shape of a response; several if it lists several problems. */
async function answerOf({ url }: Side, exchange: Exchange): Promise<string[]> {
  const { path, method = "POST" } = exchange;
  const answer = await fetch(url + path, { method, ...bodyOf(exchange) });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
  const values = isJson ? text.trim().split("\n").filter(Boolean).map(parsed) : [text];
  const [first] = values;
  if (answer.status === 422 && isObject(first) && Array.isArray(first.detail)) {
    return first.detail.map((problem) => `422 ${shapeOfProblem(problem)}`);
  }
  return [`${answer.status} ${values.map((value) => shapeOf(value)).join(" ")}`.trim()];
}

function bodyOf({ body, raw, form }: Exchange): RequestInit {
  if (form) {
    const data = new FormData();
    for (const [name, value] of Object.entries(form)) {
      if (typeof value === "string") data.append(name, value);
      else data.append(name, new Blob([value.content]), value.name);
    }
    return { body: data };
  }
  if (body === undefined && raw === undefined) return {};
  const headers = { "content-type": "application/json" };
  return { body: raw ?? JSON.stringify(body), headers };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

/** Fields whose values must be equal, not only of the same type. */
const EXACT = new Set(["display_name", "id", "digest", "row_digests", "output", "count", "val"]);

/** Kinds of values, and the values themselves where they must be equal on both servers. */
function shapeOf(value: unknown, key = ""): string {
  if (Array.isArray(value)) {
    const shapes = value.map((item) => shapeOf(item, key));
    return `[${[...shapes].sort().join()}]`;
  }
  if (isObject(value)) {
    const fields = Object.keys(value).sort().map((name) =>
      `${name}: ${shapeOf(value[name], name)}`
    );
    return `{${fields.join(", ")}}`;
  }
  if (value === null) return "null";
  const isExact = EXACT.has(key) && (key !== "id" || /^01a22968-3f42/.test(String(value)));
  return isExact ? JSON.stringify(value) : typeof value;
}

/** A problem's kind and location; its text and context are specific to the validator. */
function shapeOfProblem(problem: unknown): string {
  if (!isObject(problem)) return typeof problem;
  const place = (problem.loc as unknown[]).filter((part) => !/^(Call|Table)[A-Z]/.test(`${part}`));
  const fields = Object.keys(problem).filter((name) => name !== "ctx").sort().join();
  const at = problem.type === "json_invalid" ? "body" : place.join(".");
  return `${problem.type} at ${at} with ${fields}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
