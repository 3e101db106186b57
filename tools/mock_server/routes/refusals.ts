/**
 * Checks that the trace server makes on a well-formed request, with its statuses and
 * messages: values that it rejects or can never store.
 *
 * @module
 */

import type { Json } from "../store/call_store.ts";

/** A rejection: its status, and the `reason` in its body. */
export interface Refusal {
  readonly status: 400 | 404 | 413 | 422 | 500;
  readonly reason: string;
}

const MAX_OP_NAME = 128;
const MAX_DISPLAY_NAME = 1024;
const MAX_OBJECT_ID = 128;
/** Maximum nesting depth of arrays and objects in the whole body. */
const MAX_DEPTH = 200;
/** Maximum depth of JSON texts within JSON texts that are searched for refs. */
const MAX_TEXTS_WITHIN = 8;
const REF = "weave:///";
const INTERNAL_REF = "weave-trace-internal:///";
const NOT_IN_OBJECT_ID = /[^\p{L}\p{N}_.-]/gu;

/** The server's response to a record that it can never store. */
const FAILS: Refusal = { status: 500, reason: "Internal server error" };

/** Options of {@link refusalOfBody}. */
export interface BodyChecks {
  /**
   * Projects that do not exist: `"entity/project"`, or `"entity"` for all projects of an
   * entity.
   */
  readonly missingProjects: readonly string[];
}

/** Why a body is rejected for its projects, refs or depth; `null` if it is accepted. */
export function refusalOfBody(body: unknown, text: string, checks: BodyChecks): Refusal | null {
  if (isTooDeep(text)) return { status: 413, reason: "Request too large" };
  const projects = checks.missingProjects.length > 0 ? projectsOf(body) : [];
  for (const project of projects) {
    const missing = refusalOfProject(project, checks.missingProjects);
    if (missing) return missing;
  }
  return text.includes(REF) || text.includes(INTERNAL_REF)
    ? refusalOfRefs(body, checks.missingProjects, 0)
    : null;
}

/** The rejection for a project that does not exist; `null` if it does. */
export function refusalOfProject(project: string, missing: readonly string[]): Refusal | null {
  return missing.includes(project) || missing.includes(project.split("/")[0])
    ? { status: 404, reason: `Project ${project} not found` }
    : null;
}

/**
 * Why a start, an end or a complete call is rejected; `null` if it is accepted.
 *
 * @param anyIds Whether IDs may have any format.
 */
export function refusalOfCall(call: Json, anyIds: boolean): Refusal | null {
  const badId = anyIds ? null : refusalOfIds(call);
  if (badId) return badId;
  const { op_name, display_name, wb_run_step, wb_run_step_end } = call;
  if (typeof op_name === "string") {
    const refused = op_name.startsWith(REF)
      ? refusalOfOpRef(op_name)
      : tooLong(op_name, MAX_OP_NAME);
    if (refused) return refused;
  }
  if (typeof display_name === "string") {
    const refused = tooLong(display_name, MAX_DISPLAY_NAME);
    if (refused) return refused;
  }
  return isNegative(wb_run_step) || isNegative(wb_run_step_end) ? FAILS : null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** IDs must be UUIDs, or OpenTelemetry span and trace IDs (by length), in lower case. */
function refusalOfIds({ id, trace_id, parent_id }: Json): Refusal | null {
  const ids: [unknown, number][] = [[id, 16], [trace_id, 32], [parent_id, 16]];
  for (const [id, length] of ids) {
    if (typeof id !== "string" || UUID.test(id)) continue;
    if (id.length === length && id === id.toLowerCase()) continue;
    return { status: 400, reason: `Invalid UUID: ${id}. Unable to parse` };
  }
  return null;
}

/** The rejection for an update that changes nothing; `null` if it changes something. */
export function refusalOfUpdate(update: Json): Refusal | null {
  return update.display_name == null
    ? { status: 400, reason: "One of [display_name] is required for call update" }
    : null;
}

/**
 * The rejection for an object whose name is used by objects of another class; `null` if
 * it is not.
 */
export function refusalOfClass(
  id: string,
  own: string | null,
  known: readonly (string | null)[],
): Refusal | null {
  const others = [...new Set(known)].filter((name) => name !== own);
  if (others.length === 0) return null;
  const label = (name: string | null) => name === null ? "a generic (untyped) object" : `a ${name}`;
  return {
    status: 400,
    reason:
      `Cannot publish '${id}' as ${label(own)}: that name is already used by ${
        others.map(label).join(" or ")
      } in this project. Object versions cannot share types, publish this object under a different ` +
      "name.",
  };
}

/** Why an object's name is rejected; `null` if it is accepted. */
export function refusalOfObjectId(id: string): Refusal | null {
  const invalid = id.match(NOT_IN_OBJECT_ID);
  if (invalid) {
    const characters = [...new Set(invalid)].map((character) => `'${character}'`).join(", ");
    return {
      status: 422,
      reason: `Invalid object name: ${id}. Contains invalid characters: [${characters}].`,
    };
  }
  if (id === "") return { status: 422, reason: "Object name cannot be empty" };
  return tooLong(id, MAX_OBJECT_ID);
}

function tooLong(text: string, limit: number): Refusal | null {
  return [...text].length > limit
    ? { status: 400, reason: `String too long: ${text}. Max length is ${limit}` }
    : null;
}

function isNegative(step: unknown): boolean {
  return typeof step === "number" && step < 0;
}

function refusalOfOpRef(ref: string): Refusal | null {
  const [kind, rest] = ref.slice(REF.length).split("/").slice(2);
  if (kind !== "op") {
    return { status: 400, reason: `Invalid ref: ${ref}. Must be of type InternalOpRef` };
  }
  return rest?.includes(":") ? null : FAILS;
}

/** Checks values, but not keys, including those in texts that contain JSON. */
function refusalOfRefs(
  value: unknown,
  missing: readonly string[],
  textsWithin: number,
): Refusal | null {
  if (typeof value === "string") return refusalOfText(value, missing, textsWithin);
  if (typeof value !== "object" || value === null) return null;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const refused = refusalOfRefs(inner, missing, textsWithin);
    if (refused) return refused;
  }
  return null;
}

function refusalOfText(
  text: string,
  missing: readonly string[],
  textsWithin: number,
): Refusal | null {
  if (text.startsWith(REF)) {
    const [entity, project, ...rest] = text.slice(REF.length).split("/");
    if (rest.length === 0) return { status: 400, reason: `Invalid URI: ${text}` };
    return refusalOfProject(`${entity}/${project}`, missing);
  }
  if (text.startsWith(INTERNAL_REF)) {
    return { status: 400, reason: "Encountered unexpected internal ref format." };
  }
  const mayHoldRefs = text.includes(REF) || text.includes(INTERNAL_REF);
  if (!mayHoldRefs || textsWithin >= MAX_TEXTS_WITHIN) return null;
  try {
    return refusalOfRefs(JSON.parse(text), missing, textsWithin + 1);
  } catch {
    return null;
  }
}

/** All projects referred to in a body. */
function projectsOf(body: unknown): string[] {
  if (Array.isArray(body)) return body.flatMap(projectsOf);
  if (typeof body !== "object" || body === null) return [];
  const { project_id, project_ids, start, end, req, obj, table, batch } = body as Json;
  const own = [project_id].concat(project_ids ?? []).filter((id) => typeof id === "string");
  return [...own, ...[start, end, req, obj, table, batch].flatMap(projectsOf)];
}

/** Whether arrays and objects are nested deeper than the server accepts. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inText) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inText = false;
    } else if (code === 0x22) inText = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}
