/**
 * Checks feedback by type, with the error messages of the trace server.
 *
 * @module
 */

import type { Json } from "../store/call_store.ts";
import type { Refusal } from "./refusals.ts";
import { isRecord } from "./validators.ts";

const MAX_NOTE = 1024;
const MAX_PAYLOAD = 1024 * 1024;
const RUNNABLE = "wandb.runnable";
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[#*0-9]\ufe0f?\u20e3/u;

/** Why a feedback is rejected; `null` if it is accepted. */
export function refusalOfFeedback(feedback: Json): Refusal | null {
  const type = feedback.feedback_type as string;
  const payload = feedback.payload as Json;
  const reason = type === "wandb.note.1"
    ? problemOfNote(payload)
    : type === "wandb.reaction.1"
    ? problemOfReaction(payload)
    : type.startsWith(RUNNABLE)
    ? problemOfScore(feedback, type, payload)
    : null;
  const found = reason ?? problemOfRefs(feedback, type) ??
    (JSON.stringify(payload).length > MAX_PAYLOAD ? "Feedback payload too large" : null);
  return found === null ? null : { status: 400, reason: found };
}

function problemOfNote({ note }: Json): string | null {
  if (typeof note === "string" && note !== "" && [...note].length <= MAX_NOTE) return null;
  return "Invalid payload for feedback_type wandb.note.1: note is a text of 1 to 1024 characters";
}

function problemOfReaction({ emoji }: Json): string | null {
  if (typeof emoji !== "string") {
    return "Invalid payload for feedback_type wandb.reaction.1: emoji is required";
  }
  const [first, ...more] = new Intl.Segmenter().segment(emoji);
  return first !== undefined && more.length === 0 && EMOJI.test(first.segment)
    ? null
    : "Value of emoji key in payload must be exactly one emoji";
}

function problemOfScore(feedback: Json, type: string, payload: Json): string | null {
  const { runnable_ref, call_ref } = feedback as { runnable_ref?: string; call_ref?: string };
  if (!runnable_ref) return "runnable_ref is required for runnable feedback";
  const [kind, rest = ""] = runnable_ref.replace("weave:///", "").split("/").slice(2);
  const name = type.slice(RUNNABLE.length + 1);
  if (rest.split(":")[0] !== name) return `runnable_ref must point to an object with name ${name}`;
  if (kind === "op" && !call_ref) return "call_ref is required for runnable feedback on ops";
  return isRecord(payload) && "output" in payload
    ? null
    : `Invalid payload for feedback_type ${type}: output is required`;
}

function problemOfRefs(feedback: Json, type: string): string | null {
  if (type.startsWith(RUNNABLE) || type.startsWith("wandb.annotation")) return null;
  const name = ["annotation_ref", "runnable_ref", "call_ref", "trigger_ref"]
    .find((name) => feedback[name]);
  if (name === undefined) return null;
  const kind = name === "annotation_ref" ? "annotation" : "runnable";
  return `${name} is not allowed for non-${kind} feedback`;
}
