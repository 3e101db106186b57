/**
 * Functions with which calls are sent.
 * @module
 */

import type { DeliveredRecords } from "../drain/delivered_records.ts";
import type { FormBody } from "../http/form_body.ts";
import type { SendOptions, SendOutcome } from "../http/send_with_retry.ts";
import type { Suspects } from "../records/suspects.ts";
import type { CallRecord } from "./call_record.ts";

/**
 * Sends one request until the server accepts or rejects it, or the maximum number of failures is
 * reached.
 */
export type Send = (
  path: string,
  body: Uint8Array<ArrayBuffer> | FormBody,
  options: SendOptions,
) => Promise<SendOutcome>;

/** Functions that one delivery uses to send requests. */
export interface SendContext {
  readonly send: Send;
  /** Creates a collection of failing records. */
  readonly newSuspects: () => Suspects;
  /** Collects the records that the server has accepted. */
  readonly delivered: DeliveredRecords;
}

/** Functions that the delivery of one load uses. */
export interface LoadContext extends SendContext {
  /** Returns whether an end is one that may wait for its start. */
  readonly isHeld: (end: CallRecord) => boolean;
  /** Makes an end wait for its start; returns `false` if it may not. */
  readonly hold: (end: CallRecord) => boolean;
}

/** One attempt to deliver all calls of a load through one API. */
export interface Round extends Omit<LoadContext, "newSuspects"> {
  readonly suspects: Suspects;
}
