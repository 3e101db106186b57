/**
 * A SOCKS 5 proxy on loopback. Its hosts can be reached only through it.
 *
 * @module
 */

import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A running proxy. */
export interface SocksProxy extends AsyncDisposable {
  /** Host and port. */
  readonly host: string;
  /** Requested hosts with their ports, and the credentials if there were any. */
  readonly requests: readonly string[];
  /** Connections so far. */
  readonly sockets: readonly Socket[];
}

/** Options of a proxy. */
export interface SocksOptions {
  /** The credentials that it requires, as `user:password`. */
  readonly credentials?: string;
}

/**
 * Starts a proxy.
 *
 * @param ports Local port of each host to which it forwards.
 */
export async function startSocksProxy(
  ports: Readonly<Record<string, number>>,
  { credentials }: SocksOptions = {},
): Promise<SocksProxy> {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const track = (socket: Socket): void => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
  };
  const server = createServer(async (client) => {
    track(client);
    try {
      await serve(client);
    } catch {
      client.destroy();
    }
  });
  async function serve(client: Socket): Promise<void> {
    const [, methods] = await take(client, 2);
    const offered = [...await take(client, methods!)];
    const method = credentials === undefined ? 0 : 2;
    if (!offered.includes(method)) return void client.end(Uint8Array.of(5, 0xff));
    client.write(Uint8Array.of(5, method));
    if (credentials !== undefined) {
      const user = await text(client, (await take(client, 2))[1]!);
      const isRight = `${user}:${await text(client, (await take(client, 1))[0]!)}` === credentials;
      client.write(Uint8Array.of(1, isRight ? 0 : 1));
      if (!isRight) return void client.end();
    }
    const [, , , type] = await take(client, 4);
    const host = await text(client, (await take(client, 1))[0]!);
    const [high, low] = await take(client, 2);
    requests.push(`${type} ${host}:${high! * 256 + low!}`);
    const port = ports[host];
    if (port === undefined) return void client.end(Uint8Array.of(5, 4, 0, 1, 0, 0, 0, 0, 0, 0));
    const upstream = connect(port, "127.0.0.1", () => {
      const domain = new TextEncoder().encode("bound.test");
      // An address of each kind: the client must skip all of it.
      const bound = requests.length % 2
        ? [1, 127, 0, 0, 1, 0, 0]
        : [3, domain.length, ...domain, 0, 0];
      client.write(Uint8Array.of(5, 0, 0, ...bound));
      client.pipe(upstream).pipe(client);
    });
    track(upstream);
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function text(client: Socket, length: number): Promise<string> {
  return new TextDecoder().decode(await take(client, length));
}

function take(client: Socket, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const bytes: Uint8Array | null = client.read(length);
      if (bytes === null) return;
      client.off("readable", look).off("close", closed);
      resolve(bytes);
    };
    const closed = (): void => reject(new Error("The client closed the connection"));
    client.on("readable", look).on("close", closed);
    look();
  });
}
