/**
 * Looks up the starts of calls whose ends reach a relay that has not seen them: the start was
 * recorded by another relay, or by an earlier process of this one.
 *
 * @module
 */

import type { OpenCall } from "../log/call_memory.ts";
import type { Upstream } from "./pass_on.ts";

/** Time in ms for another process to deliver a start. */
const WAIT_MS = 10_000;
/** Time in ms between two lookups. */
const POLL_MS = 250;

/**
 * Waits, within bounds and while the server can be reached, until the server has a call.
 *
 * @returns `undefined` if it does not.
 */
export async function findStart(
  upstream: Upstream,
  projectId: string,
  id: string,
): Promise<OpenCall | undefined> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    const found = await upstream.read("/call/read", { project_id: projectId, id });
    if (found === undefined) return undefined;
    const call = callIn(found);
    if (call !== undefined || performance.now() > end) return call;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function callIn(text: string): OpenCall | undefined {
  try {
    const { call } = JSON.parse(text) as { call?: { trace_id?: unknown; started_at?: unknown } };
    const { trace_id, started_at } = call ?? {};
    if (typeof trace_id !== "string" || typeof started_at !== "string") return undefined;
    return { traceId: JSON.stringify(trace_id), startedAt: JSON.stringify(started_at) };
  } catch {
    return undefined;
  }
}
