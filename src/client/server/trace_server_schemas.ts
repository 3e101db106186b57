/**
 * Parts of request and response bodies of the trace server.
 *
 * @module
 */

/**
 * Parts of bodies, by name.
 *
 * @example
 * ```ts
 * import type { TraceServerSchemas } from "@weave-wal/client";
 *
 * const order: TraceServerSchemas["SortBy"] = { field: "started_at", direction: "desc" };
 * if (order.direction !== "desc") throw new Error("Another order");
 * ```
 */
export interface TraceServerSchemas {
  /** Conditions of a query, in the server's query language. */
  Query: { readonly $expr: Readonly<Record<string, unknown>> };
  /** Sort order of results. */
  SortBy: { readonly field: string; readonly direction: "asc" | "desc" };
  /** A part of a long result. */
  Page: {
    readonly limit?: number | null;
    readonly offset?: number | null;
    readonly sort_by?: readonly TraceServerSchemas["SortBy"][] | null;
  };
  /** A request about a project: `entity/project`. */
  InProject: {
    readonly project_id: string;
  };
  /** Criteria for calls. */
  CallsFilter: {
    readonly op_names?: readonly string[] | null;
    readonly input_refs?: readonly string[] | null;
    readonly output_refs?: readonly string[] | null;
    readonly parent_ids?: readonly string[] | null;
    readonly trace_ids?: readonly string[] | null;
    readonly call_ids?: readonly string[] | null;
    readonly trace_roots_only?: boolean | null;
    readonly wb_user_ids?: readonly string[] | null;
    readonly wb_run_ids?: readonly string[] | null;
  };
  /** The start of a call. */
  CallStart: TraceServerSchemas["InProject"] & {
    readonly id?: string | null;
    readonly op_name: string;
    readonly display_name?: string | null;
    readonly trace_id?: string | null;
    readonly parent_id?: string | null;
    readonly started_at: string;
    readonly attributes: object;
    readonly inputs: object;
    readonly wb_user_id?: string | null;
    readonly wb_run_id?: string | null;
  };
  /** The end of a call. */
  CallEnd: TraceServerSchemas["InProject"] & {
    readonly id: string;
    readonly ended_at: string;
    readonly exception?: string | null;
    readonly output?: unknown;
    readonly summary: object;
  };
  /** A call, as the server stores it. */
  StoredCall: {
    id: string;
    project_id: string;
    op_name: string;
    display_name?: string | null;
    trace_id: string;
    parent_id?: string | null;
    started_at: string;
    attributes: Record<string, unknown>;
    inputs: Record<string, unknown>;
    ended_at?: string | null;
    exception?: string | null;
    output?: unknown;
    summary?: Record<string, unknown>;
    wb_user_id?: string | null;
    wb_run_id?: string | null;
    deleted_at?: string | null;
  };
  /** IDs of a started call. */
  StartedCall: {
    id: string;
    trace_id: string;
  };
  /** A version of an object, as the server stores it. */
  StoredObject: {
    project_id: string;
    object_id: string;
    created_at: string;
    deleted_at?: string | null;
    digest: string;
    version_index: number;
    is_latest: number;
    kind: string;
    base_object_class: string | null;
    // deno-lint-ignore no-explicit-any -- as the official types have it
    val: any;
  };
  /** Feedback to save. */
  Feedback: TraceServerSchemas["InProject"] & {
    readonly weave_ref: string;
    readonly creator?: string | null;
    readonly feedback_type: string;
    readonly payload: object;
    readonly annotation_ref?: string | null;
    readonly runnable_ref?: string | null;
    readonly call_ref?: string | null;
    readonly trigger_ref?: string | null;
    readonly wb_user_id?: string | null;
  };
  /** Saved feedback. */
  StoredFeedback: {
    id: string;
    created_at: string;
    wb_user_id: string;
    payload: Record<string, unknown>;
  };
  /** Prices of a model. */
  Prices: {
    readonly prompt_token_cost: number;
    readonly completion_token_cost: number;
    readonly prompt_token_cost_unit?: string | null;
    readonly completion_token_cost_unit?: string | null;
    readonly effective_date?: string | null;
    readonly provider_id?: string | null;
  };
  /** A query for certain fields. */
  FieldsQuery: TraceServerSchemas["InProject"] & TraceServerSchemas["Page"] & {
    readonly fields?: readonly string[] | null;
    readonly query?: TraceServerSchemas["Query"] | null;
  };
  /** Digest of a saved value. */
  Digest: {
    digest: string;
  };
}
