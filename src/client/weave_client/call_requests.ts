/**
 * The requests for starts and ends of calls that a program records itself.
 *
 * @module
 */

import type { Ids } from "../../protocol/ids.ts";
import type { CallEndInput, CallHandle, CallStartInput } from "./inputs.ts";

/** Returns the request for a start, and what its end needs. */
export function startRequest(
  projectId: string,
  { id, trace_id, op_name, started_at, attributes, inputs, ...rest }: CallStartInput,
  ids: Ids,
): { handle: CallHandle; request: object } {
  const handle: CallHandle = {
    id: id ?? ids.uuidv7(),
    trace_id: trace_id ?? ids.uuidv7(),
    started_at: started_at ?? ids.timestamp(),
  };
  const start = {
    project_id: projectId,
    id: handle.id,
    trace_id: handle.trace_id,
    op_name,
    started_at: handle.started_at,
    ...rest,
    attributes: attributes ?? {},
    inputs: inputs ?? {},
  };
  return { handle, request: { start } };
}

/** Returns the request for an end. */
export function endRequest(
  projectId: string,
  { id, trace_id, started_at, ended_at, exception, output, summary, ...rest }: CallEndInput,
  ids: Ids,
): object {
  const end = {
    project_id: projectId,
    id,
    trace_id,
    started_at,
    ended_at: ended_at ?? ids.timestamp(),
    ...(exception === undefined ? {} : { exception }),
    output: output === undefined ? null : output,
    summary: summary ?? {},
    ...rest,
  };
  return { end };
}
