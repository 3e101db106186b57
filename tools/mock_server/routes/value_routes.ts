/**
 * Writes of objects, tables, files, feedback and costs.
 *
 * @module
 */

import type { Json } from "../store/call_store.ts";
import {
  bytesDigest,
  type Canonical,
  readCanonical,
  tableDigest,
  valueDigest,
} from "../store/digest.ts";
import {
  type MockApp,
  type MockContext,
  type MockDeps,
  noSuchRoute,
  readBody,
  refuse,
  unprocessable,
} from "../exchange.ts";
import { refusalOfFeedback } from "./feedback_refusals.ts";
import { refusalOfClass, refusalOfObjectId, refusalOfProject } from "./refusals.ts";
import { check, type Rule } from "./validators.ts";
import { FILE_FORM, WRITE_RULES } from "./schema.ts";
import { classOf, internalIdOf } from "../store/store.ts";

type Write = (c: MockContext, body: Json, text: string) => Response;

/** Adds all writes except those of calls to the application. */
export function addValueRoutes(app: MockApp, deps: MockDeps): void {
  const { store, behavior } = deps;
  const post = (path: string, rule: Rule, write: Write) =>
    app.post(path, (c) => {
      const request = readBody(c, rule, behavior.missingProjects);
      return request instanceof Response ? request : write(c, request.body, request.text);
    });

  post("/obj/create", WRITE_RULES.objCreate, (c, body, text) => {
    const obj = body.obj as Json;
    const id = obj.object_id as string;
    const versions = store.project(obj.project_id as string).objects.get(id) ?? [];
    const { kind, baseClass } = classOf(obj);
    const known = versions.filter((version) => version.kind === kind)
      .map(({ base_object_class }) => base_object_class);
    const refusal = refusalOfObjectId(id) ?? refusalOfClass(id, baseClass, known);
    if (refusal) return refuse(c, refusal);
    const digest = valueDigest(objectValue(obj, text));
    if (differs(obj.expected_digest, digest)) {
      return mismatch(c, `obj '${id}'`, obj.expected_digest, digest);
    }
    store.addObject(obj, digest, now());
    return c.json({ digest, object_id: id });
  });

  post("/table/create", WRITE_RULES.tableCreate, (c, body, text) => {
    const { project_id, rows, expected_digest } = body.table as Json & { rows: unknown[] };
    c.get("entry").items = rows.length;
    const row_digests = (at(internalText(text), "table", "rows") as Canonical[]).map(valueDigest);
    const digest = tableDigest(row_digests);
    if (differs(expected_digest, digest)) {
      return mismatch(c, `table (${rows.length} rows)`, expected_digest, digest);
    }
    store.addRows(project_id as string, rows, row_digests);
    store.addTable(project_id as string, row_digests);
    return c.json({ digest, row_digests });
  });

  post("/table/update", WRITE_RULES.tableUpdate, (c, body, text) => {
    const projectId = body.project_id as string;
    const base = store.project(projectId).tables.get(body.base_digest as string);
    if (!base) {
      const reason = `Table ${internalIdOf(projectId)}:${body.base_digest} not found`;
      return refuse(c, { status: 404, reason });
    }
    const updates = body.updates as Record<string, { index: number; row: unknown }>[];
    c.get("entry").items = updates.length;
    const written = at(internalText(text), "updates") as Canonical[];
    const digests = [...base];
    const added: { digest: string; row: unknown }[] = [];
    const updated_row_digests: string[] = [];
    for (const [position, update] of updates.entries()) {
      const [[kind, { index, row }]] = Object.entries(update);
      const end = kind === "pop" ? digests.length - 1 : digests.length;
      if (index < 0 || index > end) {
        return refuse(c, { status: 400, reason: "Index out of range" });
      }
      if (kind === "pop") {
        updated_row_digests.push(...digests.splice(index, 1));
        continue;
      }
      const digest = valueDigest(at(written[position], kind, "row"));
      digests.splice(kind === "append" ? digests.length : index, 0, digest);
      added.push({ digest, row });
      updated_row_digests.push(digest);
    }
    store.addRows(projectId, added.map(({ row }) => row), added.map(({ digest }) => digest));
    return c.json({ digest: store.addTable(projectId, digests), updated_row_digests });
  });

  post("/table/create_from_digests", WRITE_RULES.tableCreateFromDigests, (c, body) => {
    const rows = body.row_digests as string[];
    c.get("entry").items = rows.length;
    const digest = tableDigest(rows);
    if (differs(body.expected_digest, digest)) {
      return mismatch(c, `table (${rows.length} rows)`, body.expected_digest, digest);
    }
    return c.json({ digest: store.addTable(body.project_id as string, rows) });
  });

  for (const [path, other] of [["/files/create", "old"], ["/file/create", "new"]] as const) {
    app.post(path, async (c) => {
      if (behavior.filePaths === other) return noSuchRoute(c);
      const form = await readForm(c);
      if (form instanceof Response) return form;
      const { fields, file } = form;
      const missing = refusalOfProject(fields.project_id, behavior.missingProjects);
      if (missing) return refuse(c, missing);
      const content = new Uint8Array(await file.arrayBuffer());
      const digest = bytesDigest(content);
      if (differs(fields.expected_digest, digest)) {
        return mismatch(c, "file", fields.expected_digest, digest);
      }
      return c.json({ digest: store.addFile(fields.project_id, file.name, content) });
    });
  }

  const addFeedback = (feedback: Json): Json => {
    const { id, created_at, wb_user_id, payload } = store.addFeedback(feedback, now());
    return { id, created_at, wb_user_id, payload };
  };
  post("/feedback/create", WRITE_RULES.feedbackCreate, (c, body) => {
    const refusal = refusalOfFeedback(body);
    return refusal ? refuse(c, refusal) : c.json(addFeedback(body));
  });
  app.use("/feedback/batch/create", async (c, next) => {
    if (behavior.feedbackBatch) await next();
    else return noSuchRoute(c);
  });
  post("/feedback/batch/create", WRITE_RULES.feedbackBatchCreate, (c, body) => {
    const batch = body.batch as Json[];
    c.get("entry").items = batch.length;
    for (const feedback of batch) {
      const refusal = refusalOfFeedback(feedback);
      if (refusal) return refuse(c, refusal);
    }
    return c.json({ res: batch.map(addFeedback) });
  });
  post("/feedback/replace", WRITE_RULES.feedbackReplace, (c, body) => {
    const { feedback_id, ...feedback } = body;
    const refusal = refusalOfFeedback(feedback);
    if (refusal) return refuse(c, refusal);
    store.removeFeedback(body.project_id as string, feedback_id as string);
    return c.json(addFeedback(feedback));
  });

  post("/cost/create", WRITE_RULES.costCreate, (c, body) => {
    const costs = body.costs as Record<string, Json>;
    c.get("entry").items = Object.keys(costs).length;
    return c.json({ ids: store.addCosts(body.project_id as string, costs) });
  });
}

/**
 * The value from which the server computes the digest: with internal refs and the
 * built-in class.
 */
function objectValue(obj: Json, text: string): Canonical {
  const val = at(internalText(text), "obj", "val");
  if (typeof obj.builtin_object_class === "string" && val instanceof Map) {
    val.set("_class_name", JSON.stringify(obj.builtin_object_class));
    val.set("_bases", ['"BaseObject"', '"BaseModel"']);
  }
  return val;
}

function internalText(text: string): Canonical {
  return readCanonical(text, (value) =>
    value.replace(
      /^weave:\/\/\/([^/]+\/[^/]+)\//,
      (_, project) => `weave-trace-internal:///${internalIdOf(project)}/`,
    ));
}

function at(value: Canonical, ...keys: string[]): Canonical {
  return keys.reduce((inner, key) => (inner as Map<string, Canonical>).get(key)!, value);
}

async function readForm(
  c: MockContext,
): Promise<{ fields: Record<string, string>; file: File } | Response> {
  const headers = { "content-type": c.req.header("content-type") ?? "" };
  let form: FormData;
  try {
    form = await new Response(c.get("bytes") as Uint8Array<ArrayBuffer>, { headers }).formData();
  } catch (error) {
    const msg = `Field required (${error})`;
    return unprocessable(c, [{ type: "missing", loc: ["body", "project_id"], msg, input: null }]);
  }
  const { file, ...fields } = Object.fromEntries(form.entries());
  const problems = check(FILE_FORM, fields);
  if (file === undefined || typeof file === "string") {
    const type = file === undefined ? "missing" : "value_error";
    problems.push({
      type,
      loc: ["body", "file"],
      msg: "Input should be a file",
      input: file ?? null,
    });
    return unprocessable(c, problems);
  }
  if (problems.length > 0) return unprocessable(c, problems);
  return { fields: fields as Record<string, string>, file };
}

function differs(expected: unknown, digest: string): boolean {
  return typeof expected === "string" && expected !== digest;
}

function mismatch(c: MockContext, what: string, expected: unknown, digest: string): Response {
  const reason = `Client ${what} digest ${expected} != server digest ${digest}`;
  return refuse(c, { status: 409, reason });
}

function now(): string {
  return new Date().toISOString();
}
