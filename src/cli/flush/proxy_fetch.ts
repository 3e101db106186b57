/**
 * `fetch` for the command, which uses the proxy from the environment on every runtime.
 *
 * @module
 */

import type { ProxyAgent } from "undici";
import { hostFetch } from "../../client/server/host_fetch.ts";
import { type NamedProxy, proxyFor } from "../../client/server/proxy.ts";
import type { Fetch, Runtime } from "../../runtime/runtime.ts";
import { CommandError } from "../exit_codes.ts";

/**
 * Creates a `fetch` that uses `HTTPS_PROXY` or `HTTP_PROXY`, unless `NO_PROXY` contains the host.
 * Deno and Bun do so themselves; on Node, whose own `fetch` does not, undici sends the request.
 */
export function proxyFetch(runtime: Runtime): Fetch {
  if (runtime.name !== "node") return hostFetch;
  const agents = new Map<string, Promise<ProxyAgent>>();
  return async (url, init) => {
    const proxy = proxyFor(url, runtime.process.env);
    if (proxy === null) return await hostFetch(url, init);
    let agent = agents.get(proxy.url);
    if (!agent) agents.set(proxy.url, agent = makeAgent(proxy));
    return await send(await agent, url, init);
  };
}

/**
 * Returns the error for a proxy that cannot be used for a URL; `null` if there is none. Deno and
 * Bun support more kinds of proxies, and report errors themselves.
 */
export function unusableProxy({ name, process }: Runtime, url: string): CommandError | null {
  const proxy = name === "node" ? proxyFor(url, process.env) : null;
  if (proxy === null || isHttp(proxy.url)) return null;
  // The value may contain a password, so it is not shown.
  return new CommandError(
    `Cannot use ${proxy.variable}: it is not the URL of an HTTP proxy such as http://proxy:3128`,
  );
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** A CommonJS package: its bundle has only the default export, whose type is incomplete. */
async function undici(): Promise<typeof import("undici")> {
  return (await import("undici")).default as unknown as typeof import("undici");
}

async function makeAgent({ url }: NamedProxy): Promise<ProxyAgent> {
  const { ProxyAgent } = await undici();
  // Plain http needs no tunnel, and many proxies allow one only to port 443.
  return new ProxyAgent({ uri: url, proxyTunnel: false });
}

async function send(
  dispatcher: ProxyAgent,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  const { fetch } = await undici();
  const { method, headers, body, signal, redirect } = init;
  // This undici does not know Node's own form class, so forms are sent as bytes.
  const form = body instanceof FormData ? new Response(body) : null;
  const type = form?.headers.get("content-type");
  const response = await fetch(url, {
    dispatcher,
    ...(method === undefined ? {} : { method }),
    headers: [
      ...new Headers(headers),
      ...(type ? [["content-type", type] as [string, string]] : []),
    ],
    body: form ? new Uint8Array(await form.arrayBuffer()) : body as Uint8Array | string | null,
    ...(signal ? { signal } : {}),
    ...(redirect === undefined ? {} : { redirect }),
  });
  return response as unknown as Response;
}
