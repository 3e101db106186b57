/**
 * Lets reads see what the process wrote before them.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { DeliveryWait, Pipeline } from "../pipeline/pipeline.ts";

/** Most ms that a read waits for what was written before it. */
export const READ_WAIT_MS = 10_000;

/** The part of a pipeline that reads use. */
export type ReadPipeline = Pick<Pipeline, "delivered" | "finalDigest">;

/** Makes reads wait for the delivery of earlier writes. */
export class ReadBarrier {
  readonly #pipeline: ReadPipeline;

  /** Delays the reads of the client whose writes go to `pipeline`. */
  constructor(pipeline: ReadPipeline) {
    this.#pipeline = pipeline;
  }

  /**
   * Waits until the server has what this process wrote so far, {@linkcode READ_WAIT_MS} at most.
   *
   * @param path What is to be read, for the error.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED` when there is something to wait for and the server
   *   does not take requests.
   */
  async wait(path: string): Promise<DeliveryWait> {
    const wait = await this.#pipeline.delivered(READ_WAIT_MS);
    if (wait.end !== "unreachable") return wait;
    throw new WeaveWalError(
      "ERR_REQUEST_FAILED",
      `Cannot read ${path}: the server does not take requests (${wait.reason}). What this process ` +
        "wrote before is kept and sent when it does; read again then",
    );
  }

  /** The answer of a read; an error about something missing says what may be behind it. */
  async explain<T>({ end }: DeliveryWait, answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof WeaveWalError) || error.status !== 404 || end === "delivered") {
        throw error;
      }
      const why = end === "timeout"
        ? `what this process wrote before is not delivered yet, after ${READ_WAIT_MS / 1000} s`
        : "what this process wrote before is not sent by itself (its sender is off)";
      throw new WeaveWalError("ERR_REQUEST_FAILED", `${error.message}; ${why}`, {
        cause: error,
        status: error.status,
      });
    }
  }
}
