/**
 * Real `nats-server` processes on loopback: one, or a cluster.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { join } from "@std/path";
import { freePorts } from "../network/free_ports.ts";

/** Debian installs it in a directory that is not on the PATH of ordinary users. */
const PLACES = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

/** Path of the program; `null` if it is not installed. */
export const natsServer: string | null = PLACES
  .map((place) => join(place, "nats-server"))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }) ?? null;

/** Why tests with servers are skipped; `false` if they can run. */
export const withoutNats: string | false = natsServer === null
  ? "nats-server is not installed"
  : false;

/** Options of a server. */
export interface NatsServerOptions {
  /** Lines of the configuration file. */
  readonly config?: string;
}

/** A server that can be killed and restarted with the same files. */
export class NatsServer implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly directory: string;
  readonly #config: string;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();

  /** @param config Lines of the configuration file. */
  constructor(name: string, port: number, directory: string, config: string) {
    this.name = name;
    this.port = port;
    this.directory = directory;
    this.#config = config;
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const path = join(this.directory, `${this.name}.conf`);
    await writeFile(
      path,
      `server_name: ${this.name}\nhost: "127.0.0.1"\nport: ${this.port}\n` +
        `jetstream { store_dir: ${JSON.stringify(join(this.directory, this.name))} }\n` +
        this.#config,
    );
    const child = this.#child = spawn(natsServer!, ["-c", path], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    running.add(child);
    this.#ended = new Promise((resolve) => {
      child.once("close", () => {
        running.delete(child);
        resolve();
      });
    });
    let text = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr!.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.includes("Server is ready")) resolve();
        if (text.length > 1_000_000) text = "";
      });
      child.once("close", () => reject(new Error(`nats-server ended: ${text}`)));
    });
  }

  /** Suspends the server; resolves once all of its threads have stopped, where `/proc` tells. */
  async suspend(): Promise<void> {
    this.#send("SIGSTOP");
    const tasks = `/proc/${this.#child?.pid}/task`;
    const isStopped = (task: string): boolean => {
      try {
        const status = readFileSync(`${tasks}/${task}/stat`, "utf8");
        return "TZX".includes(status[status.lastIndexOf(")") + 2]);
      } catch {
        return true; // The thread has ended.
      }
    };
    while (existsSync(tasks) && !readdirSync(tasks).every(isStopped)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Sends a signal without waiting for its effect. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#send(name);
  }

  /** Ends the server; resolves when it has exited. Its files stay. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    this.#send(signal);
    this.#send("SIGCONT");
    await this.#ended;
  }

  #send(signal: NodeJS.Signals): void {
    const child = this.#child;
    if (!child || !running.has(child) || child.exitCode !== null) return;
    // Deno does not report the exit of a child that was signaled through its handle.
    process.kill(child.pid!, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a server; its files are removed when it is disposed. */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const directory = await mkdtemp(join(tmpdir(), "weave-wal-nats-"));
  const [port] = await freePorts(1);
  const server = new NatsServer("one", port, directory, options.config ?? "");
  await server.start();
  const dispose = async () => {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  };
  return Object.assign(server, { [Symbol.asyncDispose]: dispose });
}
