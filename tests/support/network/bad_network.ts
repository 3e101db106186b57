/**
 * Servers and networks that delay requests.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import process from "node:process";

/** An address at which requests fail. */
export interface BadNetwork {
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bad networks by what happens to a request. */
export const BAD_NETWORKS: Readonly<Record<string, () => Promise<BadNetwork>>> = {
  "packets dropped": blackHole,
  "no answer": () => serve(() => {}),
  "health checks are answered, nothing else": () =>
    serve((socket, first) => {
      const answer = (request: Uint8Array): void => {
        if (String(request).startsWith("GET /health")) socket.write(HEALTHY);
      };
      answer(first);
      socket.on("data", answer);
    }),
  "health checks are answered, and nothing else is read": () =>
    serve((socket, first) => {
      const answer = (request: Uint8Array): void => {
        if (String(request).startsWith("GET /health")) socket.write(HEALTHY);
        else socket.pause();
      };
      answer(first);
      socket.on("data", answer);
    }),
  "half a status line, then a byte a second": () =>
    serve((socket) => {
      socket.write("HTTP/1.1 2");
      drip(socket, "x");
    }),
  "a body of a byte a second": () =>
    serve((socket) => {
      socket.write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n",
      );
      drip(socket, " ");
    }),
  "a body without an end": () =>
    serve((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`;
      const more = (): void => {
        // As fast as it is read, but without starving the machine.
        const timer = setTimeout(() => socket.write(chunk, more), 1);
        socket.on("close", () => clearTimeout(timer));
      };
      socket.setMaxListeners(0);
      more();
    }),
};

const HEALTHY = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/** Answers each connection's first bytes with `answer`. */
async function serve(answer: (socket: Socket, first: Uint8Array) => void): Promise<BadNetwork> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", (first) => answer(socket, first));
    socket.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function drip(socket: Socket, byte: string): void {
  const timer = setInterval(() => socket.write(byte), 1_000);
  socket.on("close", () => clearInterval(timer));
}

/** A listening socket with a full backlog that is never accepted from: SYNs are dropped. */
async function blackHole(): Promise<BadNetwork> {
  const program = "require('net').createServer().listen(0,'127.0.0.1',1," +
    "function(){console.log(this.address().port)})";
  const child = spawn("node", ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const port = Number(String(line));
  // Deno's `child.kill` sends only one signal.
  process.kill(child.pid!, "SIGSTOP");
  const fillers: Socket[] = [];
  for (let full = false; !full;) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    fillers.push(socket);
    full = await Promise.race([
      once(socket, "connect").then(() => false),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300)),
    ]);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of fillers) socket.destroy();
      process.kill(child.pid!, "SIGKILL");
      await once(child, "exit");
    },
  };
}

/** Why packets cannot be dropped on this machine; `false` if they can. */
export const noBlackHole: string | false = process.platform === "linux"
  ? false
  : "a full queue of connections drops packets on Linux only";
