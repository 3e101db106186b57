/**
 * The vendor's trace server as a child process.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineProcess } from "./line_process.ts";
import { pythonFolder } from "./packages.ts";

/** A running trace server. Its data is deleted when it stops. */
export class TraceServer implements AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly #process: LineProcess;
  readonly #directory: string;

  private constructor(process: LineProcess, directory: string, port: number) {
    this.#process = process;
    this.#directory = directory;
    this.url = `http://127.0.0.1:${port}`;
  }

  /**
   * Starts a server and resolves once it listens.
   *
   * @param python Interpreter with the server's packages.
   */
  static async start(python: string): Promise<TraceServer> {
    const directory = mkdtempSync(join(tmpdir(), "weave-wal-trace-server-"));
    const program = join(pythonFolder, "server.py");
    const process = new LineProcess("The trace server", python, [program, directory]);
    try {
      const { ready } = await process.started();
      return new TraceServer(process, directory, ready as number);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Merges rows that were written twice. */
  async merge(): Promise<void> {
    const { status } = await fetch(`${this.url}/__control/merge`, { method: "POST" });
    if (status !== 200) throw new Error(`The trace server cannot merge:\n${this.#process.errors}`);
  }

  /** Replaces this project with an empty one. */
  async replace(project: string): Promise<void> {
    await this.post(`/__control/replace/${project}`, {});
  }

  /** Posts a request directly, bypassing the gates, and returns the text of the response. */
  async post(path: string, body: unknown): Promise<string> {
    const answer = await fetch(this.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path}: HTTP ${answer.status}: ${text}`);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
