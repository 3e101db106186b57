/**
 * The application of `weave-wal ui` in this process, without listening on a port.
 *
 * @module
 */

import { join } from "@std/path";
import { DirectoryStore } from "../../../src/cli/logs/directory_store.ts";
import { commandSettings } from "../../../src/cli/settings.ts";
import { createUi } from "../../../src/cli/ui/create_ui.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";

/** The token in the URLs. */
export const TOKEN: string = "0123456789abcdef".repeat(4);
/** The code in the URL with which a browser is started. */
export const OPEN_CODE: string = "fedcba9876543210".repeat(4);

/** Options for {@linkcode openUi}. */
export interface UiFixtureOptions {
  readonly server?: string;
  readonly key?: string;
  readonly runtime?: Runtime;
}

/** The server of a page. */
export interface UiFixture extends AsyncDisposable {
  /** Sends a request as a local browser does; `path` starts after the token. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Directory of the project `<entity>/<project>`. */
  directory(name: string): string;
  /** Sends a request to any path. */
  raw(path: string, init?: RequestInit): Promise<Response>;
  /** Gets JSON; throws unless the status is 200. */
  get<Answer>(path: string, query?: Readonly<Record<string, string | number>>): Promise<Answer>;
}

/** Opens the application for the logs in `root`. */
export function openUi(
  root: string,
  { server = "http://127.0.0.1:9", key, runtime = detectRuntime() }: UiFixtureOptions = {},
): UiFixture {
  const environment = Object.create(runtime.process, {
    env: { value: (name: string) => name === "WANDB_API_KEY" ? key : undefined },
  }) as Runtime["process"];
  const stop = new AbortController();
  const { app, close } = createUi({ runtime, stop: stop.signal }, {
    store: new DirectoryStore(runtime, root, undefined),
    filter: {},
    advice: { server },
    keySettings: () =>
      commandSettings({ ...runtime, process: environment }, { dir: root, server }, "needed"),
    token: TOKEN,
    openCode: OPEN_CODE,
  });
  const raw = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "127.0.0.1:4711");
    return await app.request(`http://127.0.0.1:4711${path}`, { ...init, headers });
  };
  const request = (path: string, init?: RequestInit): Promise<Response> =>
    raw(`/${TOKEN}${path}`, init);
  return {
    directory: (name) => join(root, name),
    raw,
    request,
    async get<Answer>(path: string, query: Readonly<Record<string, string | number>> = {}) {
      const values = Object.entries(query).map(([name, value]) => [name, String(value)]);
      const response = await request(`/api/${path}?${new URLSearchParams(values)}`);
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${path}: HTTP ${response.status} ${text}`);
      return JSON.parse(text) as Answer;
    },
    async [Symbol.asyncDispose]() {
      stop.abort("SIGTERM");
      await close();
    },
  };
}
