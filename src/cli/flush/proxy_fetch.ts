/**
 * `fetch` for the command: through the proxy that the environment names, on every runtime.
 *
 * @module
 */

import type { ProxyAgent } from "undici";
import { hostFetch } from "../../client/server/host_fetch.ts";
import { type NamedProxy, proxyFor } from "../../client/server/proxy.ts";
import type { Fetch, Runtime } from "../../runtime/runtime.ts";
import { CommandError } from "../exit_codes.ts";

/**
 * Makes a `fetch` that goes through `HTTPS_PROXY` or `HTTP_PROXY`, unless `NO_PROXY` names the host.
 * Deno and Bun do so by themselves; on Node, whose own does not, undici sends the request.
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
 * The error for a proxy that cannot be used for a URL; `null` where there is none.
 *
 * Deno and Bun know more kinds of proxies, and say themselves what is wrong.
 */
export function unusableProxy({ name, process }: Runtime, url: string): CommandError | null {
  const proxy = name === "node" ? proxyFor(url, process.env) : null;
  if (proxy === null || isHttp(proxy.url)) return null;
  // The value is not shown: it may hold a password.
  return new CommandError(
    `Cannot use ${proxy.variable}: it is not the URL of an HTTP proxy such as http://proxy:3128`,
  );
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** A CommonJS package: a bundle of it has the default export only, whose type is not complete. */
async function undici(): Promise<typeof import("undici")> {
  return (await import("undici")).default as unknown as typeof import("undici");
}

async function makeAgent({ url }: NamedProxy): Promise<ProxyAgent> {
  const { ProxyAgent } = await undici();
  // Plain http needs no tunnel, and many proxies refuse one to other ports than 443.
  return new ProxyAgent({ uri: url, proxyTunnel: false });
}

async function send(
  dispatcher: ProxyAgent,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  const { fetch } = await undici();
  const { method, headers, body, signal, redirect } = init;
  // Forms of Node's own class are not those of this undici: what is sent is bytes.
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
