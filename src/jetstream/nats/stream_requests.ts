/**
 * Requests for the messages of one stream.
 * @module
 */

import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { EngineMessage, StreamState } from "../engine.ts";
import { asEngineError, ask, errorParts } from "./errors.ts";

/** Code of "no message found". */
const NO_MESSAGE = 10037;
/** Code of a message that does not exist, where others do. */
const NO_SEQUENCE = 10043;
/** Code of a failed removal; only its text says whether there was nothing to remove. */
const NOT_REMOVED = 10057;
const MISSING = /no message found|deleted message|EOF/;

/** Returns the contents of the subjects that match `filter`. @throws {EngineError} */
export async function stateOf(
  manager: JetStreamManager,
  stream: string,
  filter: string,
): Promise<StreamState> {
  const { state, config } = await ask(() =>
    manager.streams.info(stream, { subjects_filter: filter })
  );
  return {
    messages: state.messages,
    bytes: state.bytes,
    maxBytes: config.max_bytes,
    lastSeq: state.last_seq,
    subjects: new Map(Object.entries(state.subjects ?? {})),
  };
}

/**
 * Returns the first message at or after `from` that matches `filter`; `null` if there is none. The
 * leader answers: another node may still have messages that were removed.
 * @throws {EngineError}
 */
export async function firstMessage(
  manager: JetStreamManager,
  stream: string,
  filter: string,
  from: number,
): Promise<EngineMessage | null> {
  const found = await firstStored(manager, stream, filter, from);
  if (found === null) return null;
  const { subject, seq, time, data } = found;
  return { subject, seq, time: time.getTime(), payload: data };
}

/**
 * Returns the position of the message that `firstMessage` returns, without decoding the message.
 * @throws {EngineError}
 */
export async function firstPosition(
  manager: JetStreamManager,
  stream: string,
  filter: string,
  from: number,
): Promise<number | null> {
  return (await firstStored(manager, stream, filter, from))?.seq ?? null;
}

async function firstStored(
  manager: JetStreamManager,
  stream: string,
  filter: string,
  from: number,
): Promise<StoredMsg | null> {
  try {
    const query = { seq: from, next_by_subj: filter };
    return await manager.streams.getMessage(stream, query);
  } catch (error) {
    if (errorParts(error).code === NO_MESSAGE) return null;
    throw asEngineError(error);
  }
}

/** Removes a message; no effect if it does not exist. @throws {EngineError} */
export async function removeMessage(
  manager: JetStreamManager,
  stream: string,
  seq: number,
): Promise<void> {
  try {
    await manager.streams.deleteMessage(stream, seq, false);
  } catch (error) {
    const { code, message } = errorParts(error);
    if (code === NO_MESSAGE || code === NO_SEQUENCE) return;
    if (code === NOT_REMOVED && MISSING.test(message)) return;
    throw asEngineError(error);
  }
}
