/**
 * `GET /metrics` for a scraper, while `weave-wal flush --follow` runs.
 *
 * @module
 */

import { messageOf } from "../../errors.ts";
import { InvalidArgumentError } from "commander";
import { CONTENT_TYPES, formatFor, type MetricSamples } from "../../metrics/exposition.ts";
import { listen } from "../../http_server/listen.ts";
import { CommandError } from "../exit_codes.ts";

/** Default address of the metrics. */
export const METRICS_ADDRESS = "127.0.0.1:9464";

/** An address to listen on. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Parses `127.0.0.1:9464`, `[::1]:9464` or `9464`. The default host is the loopback address. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:(\[[\da-f:.]+\]|[\w.-]*):)?(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError(
      `Expected an address such as ${METRICS_ADDRESS}, or a port.`,
    );
  }
  return { hostname: match[1]?.replace(/^\[|\]$/g, "") || "127.0.0.1", port };
}

/** A running metrics server. */
export interface MetricsServer {
  /** `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  /** Stops listening and closes all connections. */
  close(): Promise<void>;
}

/**
 * Serves metrics. Requests that arrive while metrics are being collected share the result.
 *
 * @param collect Collects the metrics.
 * @throws {CommandError} If the address cannot be used.
 */
export async function serveMetrics(
  { hostname, port }: ListenAddress,
  collect: () => Promise<MetricSamples>,
): Promise<MetricsServer> {
  const { Hono } = await import("hono");
  let collecting: Promise<MetricSamples> | null = null;
  const app = new Hono();
  app.get("/", (context) => context.redirect("/metrics"));
  app.get("/metrics", async (context) => {
    collecting ??= collect().finally(() => collecting = null);
    const format = formatFor(context.req.header("accept"));
    const samples = await collecting;
    return context.body(samples.text(format), 200, {
      "content-type": CONTENT_TYPES[format],
      "cache-control": "no-store",
    });
  });
  app.onError((error, context) => context.text(`Cannot collect metrics: ${error.message}\n`, 500));
  const handle = (request: Request) => Promise.resolve(app.fetch(request));
  const listener = await listen({ port, hostname, engine: "node", handle }).catch((error) => {
    const why = messageOf(error);
    throw new CommandError(`Cannot serve --metrics on ${hostname}:${port}: ${why}`, {
      hint: "If another process uses the port, choose another one with --metrics <address>",
    });
  });
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { url: `http://${host}:${listener.port}/metrics`, close: () => listener.close() };
}
