/**
 * `weave-wal ui` in its own process, asked over HTTP as its page does.
 *
 * @module
 */

import { type Running, startCli, type Surroundings } from "./cli_support.ts";

/** Ms between two requests while a condition is not met. */
const ASK_MS = 50;

/** A running page. */
export interface UiProcess extends AsyncDisposable {
  readonly process: Running;
  /** Its address, which ends with `/`. */
  readonly url: string;
  /** Sends a request; `path` starts after the token. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Gets JSON; throws unless the status is 200. */
  get<Answer>(path: string, query?: Readonly<Record<string, string | number>>): Promise<Answer>;
  /** Gets JSON until it meets a condition. */
  getWhere<Answer>(path: string, meets: (answer: Answer) => boolean): Promise<Answer>;
}

/** Starts the command with these arguments. */
export async function startUi(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<UiProcess> {
  const process = startCli(["ui", "--no-open", ...args], surroundings);
  await process.sees("Stop: Ctrl-C");
  const url = /http:\S+/.exec(process.out())![0];
  const request = (path: string, init?: RequestInit): Promise<Response> => fetch(url + path, init);
  async function get<Answer>(
    path: string,
    query: Readonly<Record<string, string | number>> = {},
  ): Promise<Answer> {
    const values = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const response = await request(`api/${path}?${new URLSearchParams(values)}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path}: HTTP ${response.status} ${text}`);
    return JSON.parse(text) as Answer;
  }
  return {
    process,
    url,
    request,
    get,
    async getWhere<Answer>(path: string, meets: (answer: Answer) => boolean) {
      for (;;) {
        const answer = await get<Answer>(path);
        if (meets(answer)) return answer;
        await new Promise((resolve) => setTimeout(resolve, ASK_MS));
      }
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.ended;
    },
  };
}
