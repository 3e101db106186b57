/**
 * Reads from a trace server with the vendor's Python client.
 *
 * @module
 */

import { join } from "node:path";
import { LineProcess } from "./line_process.ts";
import { clientEnvironment, pythonFolder } from "./packages.ts";

/** A call as returned by the Python client, with values as described by `reader.py`. */
export interface ReadCall {
  readonly id: string;
  readonly op_name: string;
  readonly trace_id: string;
  readonly parent_id: string | null;
  readonly display_name: string | null;
  readonly thread_id: string | null;
  readonly turn_id: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly attributes: Record<string, unknown>;
  readonly inputs: Record<string, unknown>;
  readonly output: unknown;
  readonly exception: string | null;
  readonly summary: Record<string, unknown>;
}

/** A Python process that reads on request, one read at a time. */
export class Reader implements AsyncDisposable {
  readonly #process: LineProcess;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(process: LineProcess) {
    this.#process = process;
  }

  /** Starts a reader for the server at `url`, with the interpreter `python`. */
  static async start(python: string, url: string): Promise<Reader> {
    const program = join(pythonFolder, "reader.py");
    const env = clientEnvironment(url);
    const process = new LineProcess("The Python client", python, [program], env);
    await process.started();
    return new Reader(process);
  }

  /** The calls of a project, oldest first. */
  async calls(project: string): Promise<ReadCall[]> {
    return await this.#ask({ calls: project }) as ReadCall[];
  }

  /** The values to which refs resolve. */
  async get(...uris: string[]): Promise<unknown[]> {
    return await this.#ask({ get: uris }) as unknown[];
  }

  /** The feedback of a project. */
  async feedback(project: string): Promise<Record<string, unknown>[]> {
    return await this.#ask({ feedback: project }) as Record<string, unknown>[];
  }

  /** The costs of a project. */
  async costs(project: string): Promise<Record<string, unknown>[]> {
    return await this.#ask({ costs: project }) as Record<string, unknown>[];
  }

  #ask(request: Record<string, unknown>): Promise<unknown> {
    const reply = this.#last.then(() => this.#process.ask(request));
    this.#last = reply.catch(() => {});
    return reply.then(({ answer, error, trace }) => {
      if (error === undefined) return answer;
      throw new Error(`Python cannot read ${JSON.stringify(request)}: ${error}\n${trace}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
  }
}
