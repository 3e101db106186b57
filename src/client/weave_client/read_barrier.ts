/**
 * Lets reads see the process's earlier writes.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { DeliveryWait, Pipeline } from "../pipeline/pipeline.ts";

/** Maximum ms for which a read waits for earlier writes. */
export const READ_WAIT_MS = 10_000;

/** The part of a pipeline that reads use. */
export type ReadPipeline = Pick<Pipeline, "delivered" | "finalDigest">;

/** Delays reads until earlier writes are delivered. */
export class ReadBarrier {
  readonly #pipeline: ReadPipeline;

  /** Delays the reads of the client that writes to `pipeline`. */
  constructor(pipeline: ReadPipeline) {
    this.#pipeline = pipeline;
  }

  /**
   * Waits until the server has received everything that this process has written so far, for at
   * most {@linkcode READ_WAIT_MS}.
   *
   * @param path Path of the read, for the error.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED` if records are pending and the server is not
   * accepting requests.
   */
  async wait(path: string): Promise<DeliveryWait> {
    const wait = await this.#pipeline.delivered(READ_WAIT_MS);
    if (wait.end !== "unreachable") return wait;
    throw new WeaveWalError(
      "ERR_REQUEST_FAILED",
      `Cannot read ${path}: the server does not accept requests (${wait.reason}). Earlier writes ` +
        "of this process are pending, and are sent when it does; read again then",
    );
  }

  /** Returns the result of a read; adds a possible cause to an error about something missing. */
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
