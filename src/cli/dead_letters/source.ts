/**
 * Dead letters as the commands see them, wherever they are kept.
 *
 * @module
 */

import type { DeliveryClient } from "../../delivery/delivery_client.ts";
import type { RetryResult } from "../../delivery/dead_letters/resend_dead_letters.ts";
import type { DeadLetterEntry } from "../../wal/dead_letters/dead_letter_reader.ts";
import type { LogFilter, ProjectPath } from "../logs/projects.ts";

/** A dead letter and its location. */
export interface PlacedDeadLetter extends ProjectPath {
  /** `<stem>:<offset>`: its permanent ID. */
  readonly id: string;
  /** Names the segment, or the message of a stream, that it comes from. */
  readonly stem: string;
  /** Name of the file, or of the stream, that keeps it. */
  readonly file: string;
  /** Path of its raw bytes, if it refers to any. */
  readonly quarantinePath: string;
  readonly entry: DeadLetterEntry;
}

/** Options for sending dead letters again. */
export interface SendAgainOptions {
  readonly deliveryClient: DeliveryClient;
  /** Base URL of the server. */
  readonly server: string;
  /** Whether they are sent to it also if they may be for another one. */
  readonly anyServer: boolean;
  /** Names this process: 32 hex digits. */
  readonly token: string;
  /** Ends it; what was not answered stays. */
  readonly stop: AbortSignal;
}

/** Result of dropping dead letters. */
export interface DropResult {
  readonly dropped: number;
  /** Places whose dead letters another process holds. */
  readonly busy: readonly string[];
}

/** The place of a dead letter that was chosen. */
export type ChosenDeadLetter = Pick<PlacedDeadLetter, "directory" | "stem" | "id">;

/** Keeps dead letters: a directory of logs, or a stream. */
export interface DeadLetterSource {
  /** Directory that knows final digests of provisional ones; `null` where none are used. */
  readonly digestRoot: string | null;
  /** Reads all dead letters in a fixed order, one at a time. */
  all(): AsyncGenerator<PlacedDeadLetter>;
  /** Returns whether a filter's server, and what else it says about logs, means a dead letter. */
  mayGoTo(server: string, deadLetter: PlacedDeadLetter): boolean;
  /** Finds one; `null` if it was sent or dropped. */
  find(directory: string, id: string): Promise<PlacedDeadLetter | null>;
  /** The first `most` bytes of one that holds no record; none if they no longer exist. */
  bytes(deadLetter: PlacedDeadLetter, most: number): Promise<Uint8Array>;
  /** Sends those that were chosen again; resolves when all are answered, or it was ended. */
  sendAgain(
    chosen: readonly ChosenDeadLetter[],
    options: SendAgainOptions,
  ): Promise<RetryResult>;
  /** Gives those that were chosen up, for good. @param token Names this process: 32 hex digits. */
  drop(chosen: readonly ChosenDeadLetter[], token: string): Promise<DropResult>;
}

/** Criteria for dead letters. */
export interface DeadLetterFilter extends LogFilter {
  /** Numbers or IDs; all if empty. */
  readonly names: readonly string[];
  readonly reasons?: readonly string[];
  readonly types?: readonly string[];
  readonly statuses?: readonly number[];
}
