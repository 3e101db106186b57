/**
 * Data of the mock server, by project.
 *
 * @module
 */

import { bytesDigest, tableDigest } from "./digest.ts";
import { type CallRecord, type Json, ProjectCalls } from "./call_store.ts";
import { type MockCounts, noCounts } from "./counts.ts";
import { SpanStore, type StoredSpan } from "./span_store.ts";

/** One version of an object. */
export interface ObjectVersion {
  project_id: string;
  object_id: string;
  created_at: string;
  digest: string;
  version_index: number;
  is_latest: number;
  kind: "op" | "object";
  /** The ancestor class directly below the root class, shared by all versions of a name. */
  base_object_class: string | null;
  /** Its own class. */
  leaf_object_class: string | null;
  val: unknown;
}

/** One row of a table. */
export interface TableRow {
  digest: string;
  val: unknown;
}

/** Content of a file, or only its size with `keepBodies: false`. */
export interface StoredFile {
  name: string;
  size: number;
  content: Uint8Array | null;
}

/** Data of one project. */
export class Project {
  /** `"entity/project"`. */
  readonly id: string;
  /** The ID used internally by the server: refs in a value are digested with it. */
  readonly internalId: string;
  /** The table of the project's first call: `"v1"`, or `"complete"` for v2. */
  callTable: "v1" | "complete" | null = null;
  readonly calls: ProjectCalls;
  /** Versions by object ID, in order of creation. */
  readonly objects: Map<string, ObjectVersion[]> = new Map();
  /** Row digests by table digest. */
  readonly tables: Map<string, readonly string[]> = new Map();
  /** Row values by row digest. */
  readonly rows: Map<string, unknown> = new Map();
  /** Files by digest. */
  readonly files: Map<string, StoredFile> = new Map();
  /** Feedback by ID, with `created_at`. */
  readonly feedback: Map<string, Json> = new Map();
  /** Repeated feedback with an existing ID, until the table merges. */
  unmergedFeedback: Json[] = [];
  /** OpenTelemetry spans. */
  readonly spans: SpanStore;
  /** Costs in order of arrival, with `id` and `llm_id`. */
  readonly costs: Json[] = [];

  constructor(id: string, counts: MockCounts, keepBodies: boolean) {
    this.id = id;
    this.internalId = internalIdOf(id);
    this.calls = new ProjectCalls(counts, keepBodies);
    this.spans = new SpanStore(counts, keepBodies);
  }
}

/** The internal ID of a project, the same on every mock server. */
export function internalIdOf(projectId: string): string {
  const number = Number.parseInt(bytesDigest(projectId).replace(/\D/g, "").slice(0, 8), 10) || 1;
  return btoa(`ProjectInternalId:${number}`).replaceAll("=", "");
}

/** State of a mock server. It survives restarts of the server. */
export class MockStore {
  /** Counters of all writes since the last reset. */
  readonly counts: MockCounts = noCounts();
  /** Whether values and files are kept. */
  readonly keepBodies: boolean;
  readonly #projects: Map<string, Project> = new Map();

  /** @param options `keepBodies: false` keeps only IDs and counts. */
  constructor(options: { keepBodies?: boolean } = {}) {
    this.keepBodies = options.keepBodies ?? true;
  }

  /** A project, created on first use. */
  project(id: string): Project {
    let project = this.#projects.get(id);
    if (project === undefined) {
      this.#projects.set(id, project = new Project(id, this.counts, this.keepBodies));
    }
    return project;
  }

  /** All projects used so far. */
  get projects(): Project[] {
    return [...this.#projects.values()];
  }

  /** The calls of one project, or of all, in order of arrival. */
  calls(projectId?: string): CallRecord[] {
    const projects = projectId === undefined ? this.projects : [this.project(projectId)];
    return projects.flatMap((project) => [...project.calls.list()]);
  }

  /** Number of calls of one project, or of all. */
  callCount(projectId?: string): number {
    const projects = projectId === undefined ? this.projects : [this.project(projectId)];
    return projects.reduce((sum, project) => sum + project.calls.size, 0);
  }

  /** Number of calls of one project, or of all, with both a start and an end. */
  finishedCount(projectId?: string): number {
    const projects = projectId === undefined ? this.projects : [this.project(projectId)];
    return projects.reduce((sum, project) => sum + project.calls.finished, 0);
  }

  /** Adds an object version; an existing digest becomes the latest again. */
  addObject(obj: Json, digest: string, at: string): void {
    const project = this.project(obj.project_id as string);
    const id = obj.object_id as string;
    const versions = project.objects.get(id) ?? [];
    project.objects.set(id, versions);
    this.counts.objects++;
    for (const version of versions) version.is_latest = 0;
    const known = versions.find((version) => version.digest === digest);
    if (known) {
      known.is_latest = 1;
      this.counts.duplicateObjects++;
      return;
    }
    const { kind, baseClass, leafClass } = classOf(obj);
    versions.push({
      project_id: project.id,
      object_id: id,
      created_at: at,
      digest,
      version_index: versions.length,
      is_latest: 1,
      kind,
      base_object_class: baseClass,
      leaf_object_class: leafClass,
      val: this.keepBodies ? obj.val : null,
    });
  }

  /** An object version by digest, `"latest"`, or `"v0"`, `"v1"`, …; `null` if unknown. */
  object(projectId: string, objectId: string, digest = "latest"): ObjectVersion | null {
    const versions = this.project(projectId).objects.get(objectId) ?? [];
    return versions.find((version) =>
      digest === "latest"
        ? version.is_latest === 1
        : version.digest === digest || `v${version.version_index}` === digest
    ) ?? null;
  }

  /** Stores rows to which a table may refer. */
  addRows(projectId: string, rows: readonly unknown[], digests: readonly string[]): void {
    const known = this.project(projectId).rows;
    rows.forEach((row, index) => known.set(digests[index], this.keepBodies ? row : null));
  }

  /** Adds a table of rows and returns its digest. */
  addTable(projectId: string, rowDigests: readonly string[]): string {
    const { tables, rows } = this.project(projectId);
    const digest = tableDigest(rowDigests);
    this.counts.tables++;
    this.counts.danglingRows += rowDigests.filter((row) => !rows.has(row)).length;
    if (tables.has(digest)) this.counts.duplicateTables++;
    tables.set(digest, [...rowDigests]);
    return digest;
  }

  /** The rows of a table, without missing ones; `null` if the table is unknown. */
  table(projectId: string, digest: string): TableRow[] | null {
    const { tables, rows } = this.project(projectId);
    return tables.get(digest)?.filter((row) => rows.has(row))
      .map((row) => ({ digest: row, val: rows.get(row) })) ?? null;
  }

  /** Adds a file and returns its digest. */
  addFile(projectId: string, name: string, content: Uint8Array): string {
    const { files } = this.project(projectId);
    const digest = bytesDigest(content);
    this.counts.files++;
    if (files.has(digest)) this.counts.duplicateFiles++;
    files.set(digest, {
      name,
      size: content.length,
      content: this.keepBodies ? content : null,
    });
    return digest;
  }

  /** A file by its digest; `null` if unknown. */
  file(projectId: string, digest: string): StoredFile | null {
    return this.project(projectId).files.get(digest) ?? null;
  }

  /** Adds feedback with its ID, or a generated one, and returns what is stored. */
  addFeedback(feedback: Json, at: string): Json {
    const id = (feedback.id as string | null | undefined) ?? crypto.randomUUID();
    const project = this.project(feedback.project_id as string);
    const known = project.feedback;
    const before = known.get(id);
    this.counts.feedback++;
    if (before) {
      this.counts.duplicateFeedback++;
      project.unmergedFeedback.push(before);
    }
    const stored = {
      ...feedback,
      id,
      payload: this.keepBodies ? feedback.payload : {},
      created_at: before?.created_at ?? at,
      wb_user_id: "mock-user",
    };
    known.set(id, stored);
    return stored;
  }

  /** Removes feedback; unknown IDs are ignored. */
  removeFeedback(projectId: string, id: string): void {
    const project = this.project(projectId);
    project.feedback.delete(id);
    project.unmergedFeedback = project.unmergedFeedback.filter((feedback) => feedback.id !== id);
  }

  /** Results of a feedback query, including duplicates that the table has not merged yet. */
  feedbackRows(projectId: string): Json[] {
    return [...this.feedback(projectId), ...this.project(projectId).unmergedFeedback];
  }

  /** Merges the tables: of calls and feedback written more than once, the last one stays. */
  merge(): void {
    for (const project of this.projects) {
      project.calls.merge();
      project.unmergedFeedback = [];
    }
  }

  /** The feedback of one project, or of all, in order of arrival, as after a merge. */
  feedback(projectId?: string): Json[] {
    const projects = projectId === undefined ? this.projects : [this.project(projectId)];
    return projects.flatMap((project) => [...project.feedback.values()]);
  }

  /** The spans of one project, or of all, in order of arrival. */
  spans(projectId?: string): StoredSpan[] {
    const projects = projectId === undefined ? this.projects : [this.project(projectId)];
    return projects.flatMap((project) => project.spans.list());
  }

  /** Adds costs; returns their IDs with the names of their models. */
  addCosts(projectId: string, costs: Record<string, Json>): [string, string][] {
    return Object.entries(costs).map(([llmId, cost]) => {
      const id = crypto.randomUUID();
      this.project(projectId).costs.push({ ...cost, id, llm_id: llmId });
      this.counts.costs++;
      return [id, llmId];
    });
  }

  /** Deletes everything. */
  clear(): void {
    this.#projects.clear();
    Object.assign(this.counts, noCounts());
  }
}

/** Returns an object's kind and classes. */
export function classOf(
  { val, builtin_object_class }: Json,
): { kind: "op" | "object"; baseClass: string | null; leafClass: string | null } {
  const { _class_name = null, _bases = [] } = (val ?? {}) as {
    _class_name?: string | null;
    _bases?: readonly string[];
  };
  const leafClass = (builtin_object_class as string | null | undefined) ?? _class_name;
  const bases = _bases.filter((name) => name !== "Object" && name !== "BaseModel");
  return { kind: isOp(val) ? "op" : "object", baseClass: bases.at(-1) ?? leafClass, leafClass };
}

function isOp(val: unknown): boolean {
  const type = (val as { weave_type?: { type?: unknown } } | null)?.weave_type?.type;
  return type === "Op";
}
