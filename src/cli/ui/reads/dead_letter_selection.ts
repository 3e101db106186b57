/**
 * Parses which dead letters a request selects.
 *
 * @module
 */

import type { HonoRequest } from "hono";
import type { DeadLetterSelection } from "../api_types.ts";

/** Parses the selection in the query of a request. */
export function selectionOfQuery(request: HonoRequest): DeadLetterSelection {
  const { entity, project, reason } = request.query();
  const ids = request.queries("id");
  return {
    ...(entity === undefined ? {} : { entity }),
    ...(project === undefined ? {} : { project }),
    ...(reason === undefined ? {} : { reason }),
    ...(ids === undefined ? {} : { ids }),
  };
}

/**
 * Parses the selection in the body of a request; returns `null` if there is none, which must not
 * mean all.
 */
export async function selectionOfBody(request: HonoRequest): Promise<DeadLetterSelection | null> {
  const value: unknown = await request.json().catch(() => null);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { ids, entity, project, reason, ...others } = value as Record<string, unknown>;
  const texts = [entity, project, reason].filter((text) => text !== undefined);
  const isKnown = Object.keys(others).length === 0 &&
    texts.every((text) => typeof text === "string") &&
    (ids === undefined || (Array.isArray(ids) && ids.every((id) => typeof id === "string")));
  return isKnown ? value as DeadLetterSelection : null;
}
