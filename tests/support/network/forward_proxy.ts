/**
 * A forward proxy on loopback: tunnels (`CONNECT`) and plain requests in absolute form.
 *
 * Its hosts can be reached only through it: their names do not resolve.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, isIP, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { createServer as createTlsServer } from "node:tls";
import { join } from "@std/path";

/** A request that passed through the proxy. */
export interface ProxiedRequest {
  readonly kind: "tunnel" | "plain";
  /** Host and port, or the URL of a plain request. */
  readonly target: string;
  /** The `Proxy-Authorization` header, if there was one. */
  readonly authorization: string | undefined;
}

/** A running proxy. */
export interface ForwardProxy extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
}

/**
 * Starts a proxy.
 *
 * @param ports Local port of each host to which it forwards.
 */
export async function startForwardProxy(
  ports: Readonly<Record<string, number>>,
): Promise<ForwardProxy> {
  const requests: ProxiedRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    track(sockets, client);
    let head = new Uint8Array();
    const read = (chunk: Uint8Array): void => {
      head = joined(head, chunk);
      const end = new TextDecoder("latin1").decode(head).indexOf("\r\n\r\n");
      if (end === -1) return;
      client.off("data", read).pause();
      forward(new TextDecoder("latin1").decode(head.slice(0, end)), head.slice(end + 4));
    };
    const forward = (text: string, rest: Uint8Array): void => {
      const [first, ...headers] = text.split("\r\n");
      const [method, target] = first.split(" ");
      const isTunnel = method === "CONNECT";
      const authorization = valueOf(headers, "proxy-authorization");
      requests.push({ kind: isTunnel ? "tunnel" : "plain", target, authorization });
      const host = isTunnel ? target : new URL(target).host;
      const port = ports[host.replace(/:\d+$/, "")];
      if (port === undefined) {
        client.end("HTTP/1.1 502 Unknown host\r\n\r\n");
        return;
      }
      const upstream = connect(port, "127.0.0.1", () => {
        if (isTunnel) client.write("HTTP/1.1 200 Connected\r\n\r\n");
        else upstream.write(requestHead(method, target, headers));
        upstream.write(rest);
        upstream.pipe(client);
        client.pipe(upstream);
      });
      track(sockets, upstream);
      upstream.on("close", () => client.destroy());
      client.on("close", () => upstream.destroy());
    };
    client.on("data", read);
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: () => closed(server, sockets),
  };
}

/** A plain request as expected by the server behind the proxy; its connection is not reused. */
function requestHead(method: string, target: string, headers: readonly string[]): string {
  const { pathname, search } = new URL(target);
  const kept = headers.filter((line) => !/^(?:proxy-|connection:)/i.test(line));
  return [`${method} ${pathname}${search} HTTP/1.1`, ...kept, "Connection: close", "", ""]
    .join("\r\n");
}

function valueOf(headers: readonly string[], name: string): string | undefined {
  return headers.find((line) => line.toLowerCase().startsWith(`${name}:`))
    ?.slice(name.length + 1).trim();
}

/** A server that terminates TLS for another on loopback. */
export interface TlsServer extends AsyncDisposable {
  readonly port: number;
  /** Certificate file of the authority that clients must trust. */
  readonly authority: string;
}

/** Starts a server that serves `https://<host>` from the one at `port`. */
export async function startTls(host: string, port: number): Promise<TlsServer> {
  const folder = mkdtempSync(join(tmpdir(), "weave-wal-tls-"));
  makeCertificates(folder, host);
  const sockets = new Set<Socket>();
  const pem = (name: string): string => readFileSync(join(folder, name), "utf8");
  const server = createTlsServer({ key: pem("host.key"), cert: pem("host.pem") }, (client) => {
    const upstream = connect(port, "127.0.0.1");
    track(sockets, client);
    track(sockets, upstream);
    client.pipe(upstream).pipe(client);
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  return {
    port: await listening(server),
    authority: join(folder, "authority.pem"),
    [Symbol.asyncDispose]: async () => {
      await closed(server, sockets);
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * Creates an authority and a certificate for `host`: not every client accepts a
 * self-signed one.
 */
function makeCertificates(folder: string, host: string): void {
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
  const key = ["-newkey", "rsa:2048", "-nodes"];
  openssl(
    ...["req", "-x509", ...key, "-keyout", "authority.key", "-out", "authority.pem"],
    ...["-subj", "/CN=Test authority", "-days", "2"],
    ...["-addext", "keyUsage=critical,keyCertSign"],
  );
  openssl(
    ...["req", "-x509", ...key, "-keyout", "host.key", "-out", "host.pem"],
    ...["-CA", "authority.pem", "-CAkey", "authority.key", "-subj", `/CN=${host}`, "-days", "2"],
    ...[
      "-addext",
      `subjectAltName=${isIP(host) ? "IP" : "DNS"}:${host}`,
      "-addext",
      "basicConstraints=critical,CA:FALSE",
    ],
  );
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  // A peer may disconnect early.
  socket.on("error", () => socket.destroy());
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
  );
}

function closed(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
