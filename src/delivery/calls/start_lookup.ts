/**
 * Looks up the starts of calls whose ends do not contain the fields of their starts: the start is in
 * another log, and the v2 calls API requires these fields.
 * @module
 */

import type { SendOptions, SendOutcome } from "../http/send_with_retry.ts";
import type { CallRecord } from "./call_record.ts";
import type { Send } from "./send_context.ts";

/** Fields of a start that its end must repeat in the v2 calls API. */
export interface StartFields {
  readonly trace_id: string;
  readonly started_at: string;
}

/** Result of a lookup. */
export type StartLookup =
  | { readonly kind: "found"; readonly fields: StartFields }
  /** The server does not support reads of calls. */
  | { readonly kind: "unsupported" }
  /** The outcome of sending the end: its start is not there, or not known to be there. */
  | SendOutcome & { readonly kind: "refused" | "failure" };

const PATH = "/call/read";

/**
 * Asks the server for the start of `end`.
 *
 * @param isHeld Whether the end may wait, and need not wait here for a server that cannot read.
 */
export async function lookUpStart(
  { parts: { projectId, id } }: CallRecord,
  send: Send,
  { suspect, isHeld }: Pick<SendOptions, "suspect"> & { readonly isHeld: boolean },
): Promise<StartLookup> {
  const body = new TextEncoder().encode(JSON.stringify({ project_id: projectId, id }));
  const outcome = await send(PATH, body, {
    tries: "one",
    isRead: true,
    ...(suspect === undefined ? {} : { suspect }),
  });
  switch (outcome.kind) {
    case "done": {
      const fields = fieldsIn(outcome.text);
      return fields ? { kind: "found", fields } : unknown(`No start of call ${id} found`);
    }
    case "refused":
      return outcome.notFound ? outcome : UNSUPPORTED;
    case "failure": {
      if (!isHeld) return outcome;
      const reason = `The start of call ${id} could not be read: ${outcome.reason}`;
      return { ...unknown(reason), isUndecided: true };
    }
    default:
      return UNSUPPORTED;
  }
}

const UNSUPPORTED: StartLookup = { kind: "unsupported" };

function unknown(message: string): StartLookup & { readonly kind: "refused" } {
  return { kind: "refused", status: 404, message, missing: false, notFound: false };
}

function fieldsIn(text: string): StartFields | undefined {
  const { call } = JSON.parse(text) as { call: Partial<StartFields> | null };
  const { trace_id, started_at } = call ?? {};
  return typeof trace_id === "string" && typeof started_at === "string"
    ? { trace_id, started_at }
    : undefined;
}
