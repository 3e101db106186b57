/**
 * Types of the bodies of requests to the trace server and of its responses.
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

/**
 * Bodies of requests and of successful responses, by route name. Bodies that are not a single JSON
 * value must be read with a suitable `format`: calls as `text`, the content of a file as
 * `arrayBuffer`.
 *
 * @example
 * ```ts
 * import type { TraceServerBodies } from "@weave-wal/client";
 *
 * type Count = TraceServerBodies["callsQueryStatsCallsQueryStatsPost"][1];
 * const { count }: Count = { count: 3 };
 * if (count !== 3) throw new Error("Not the count");
 * ```
 */
export interface TraceServerBodies {
  /** `/health` */
  // deno-lint-ignore no-explicit-any -- as the official types have it
  readRootHealthGet: [data: void, answer: any];
  /** `/server_info` */
  serverInfoServerInfoGet: [data: void, answer: { min_required_weave_python_version: string }];
  /** `/call/start` */
  callStartCallStartPost: [
    data: { readonly start: TraceServerSchemas["CallStart"] },
    answer: TraceServerSchemas["StartedCall"],
  ];
  /** `/call/end` */
  callEndCallEndPost: [data: { readonly end: TraceServerSchemas["CallEnd"] }, answer: object];
  /** `/call/upsert_batch` */
  callStartBatchCallUpsertBatchPost: [data: {
    readonly batch: readonly (
      | {
        readonly mode?: string;
        readonly req: { readonly start: TraceServerSchemas["CallStart"] };
      }
      | { readonly mode?: string; readonly req: { readonly end: TraceServerSchemas["CallEnd"] } }
    )[];
  }, answer: { res: (TraceServerSchemas["StartedCall"] | object)[] }];
  /** `/call/update` */
  callUpdateCallUpdatePost: [
    data: TraceServerSchemas["InProject"] & {
      readonly call_id: string;
      readonly display_name?: string | null;
      readonly wb_user_id?: string | null;
    },
    answer: object,
  ];
  /** `/call/read` */
  callReadCallReadPost: [
    data: TraceServerSchemas["InProject"] & {
      readonly id: string;
      readonly include_costs?: boolean | null;
    },
    answer: { call: TraceServerSchemas["StoredCall"] | null },
  ];
  /** `/calls/delete` */
  callsDeleteCallsDeletePost: [
    data: TraceServerSchemas["InProject"] & {
      readonly call_ids: readonly string[];
      readonly wb_user_id?: string | null;
    },
    answer: object,
  ];
  /** `/calls/query_stats` */
  callsQueryStatsCallsQueryStatsPost: [
    data: TraceServerSchemas["InProject"] & {
      readonly filter?: TraceServerSchemas["CallsFilter"] | null;
      readonly query?: TraceServerSchemas["Query"] | null;
    },
    answer: { count: number },
  ];
  /** `/calls/stream_query` */
  callsQueryStreamCallsStreamQueryPost: [
    data: TraceServerSchemas["InProject"] & TraceServerSchemas["Page"] & {
      readonly filter?: TraceServerSchemas["CallsFilter"] | null;
      readonly query?: TraceServerSchemas["Query"] | null;
      readonly include_costs?: boolean | null;
      readonly include_feedback?: boolean | null;
      readonly columns?: readonly string[] | null;
      readonly expand_columns?: readonly string[] | null;
    },
    // deno-lint-ignore no-explicit-any -- as the official types have it
    answer: any,
  ];
  /** `/obj/create` */
  objCreateObjCreatePost: [data: {
    readonly obj: TraceServerSchemas["InProject"] & {
      readonly object_id: string;
      readonly val: unknown;
      readonly builtin_object_class?: string | null;
      readonly set_base_object_class?: string | null;
    };
  }, answer: TraceServerSchemas["Digest"]];
  /** `/obj/read` */
  objReadObjReadPost: [
    data: TraceServerSchemas["InProject"] & { readonly object_id: string; readonly digest: string },
    answer: { obj: TraceServerSchemas["StoredObject"] },
  ];
  /** `/objs/query` */
  objsQueryObjsQueryPost: [
    data: TraceServerSchemas["InProject"] & TraceServerSchemas["Page"] & {
      readonly filter?: {
        readonly base_object_classes?: readonly string[] | null;
        readonly object_ids?: readonly string[] | null;
        readonly is_op?: boolean | null;
        readonly latest_only?: boolean | null;
      } | null;
      readonly metadata_only?: boolean | null;
    },
    answer: { objs: TraceServerSchemas["StoredObject"][] },
  ];
  /** `/table/create` */
  tableCreateTableCreatePost: [
    data: {
      readonly table: TraceServerSchemas["InProject"] & { readonly rows: readonly object[] };
    },
    answer: TraceServerSchemas["Digest"] & { row_digests?: string[] },
  ];
  /** `/table/update` */
  tableUpdateTableUpdatePost: [
    data: TraceServerSchemas["InProject"] & {
      readonly base_digest: string;
      readonly updates: readonly (
        | { readonly append: { readonly row: object } }
        | { readonly pop: { readonly index: number } }
        | { readonly insert: { readonly index: number; readonly row: object } }
      )[];
    },
    answer: TraceServerSchemas["Digest"] & { updated_row_digests?: string[] },
  ];
  /** `/table/query` */
  tableQueryTableQueryPost: [
    data: TraceServerSchemas["InProject"] & TraceServerSchemas["Page"] & {
      readonly digest: string;
      readonly filter?: { readonly row_digests?: readonly string[] | null } | null;
    },
    // deno-lint-ignore no-explicit-any -- as the official types have it
    answer: { rows: (TraceServerSchemas["Digest"] & { val: any })[] },
  ];
  /** `/table/query_stats` */
  tableQueryStatsTableQueryStatsPost: [
    data: TraceServerSchemas["InProject"] & { readonly digest: string },
    answer: { count: number },
  ];
  /** `/refs/read_batch` */
  refsReadBatchRefsReadBatchPost: [
    data: { readonly refs: readonly string[] },
    // deno-lint-ignore no-explicit-any -- as the official types have it
    answer: { vals: any[] },
  ];
  /** `/file/create` */
  fileCreateFileCreatePost: [
    data: TraceServerSchemas["InProject"] & { readonly file: Blob },
    answer: TraceServerSchemas["Digest"],
  ];
  /** `/file/content` */
  fileContentFileContentPost: [
    data: TraceServerSchemas["InProject"] & { readonly digest: string },
    // deno-lint-ignore no-explicit-any -- as the official types have it
    answer: any,
  ];
  /** `/cost/create` */
  costCreateCostCreatePost: [
    data: TraceServerSchemas["InProject"] & {
      readonly costs: Readonly<Record<string, TraceServerSchemas["Prices"]>>;
      readonly wb_user_id?: string | null;
    },
    answer: { ids: [id: string, model: string][] },
  ];
  /** `/cost/query` */
  costQueryCostQueryPost: [data: TraceServerSchemas["FieldsQuery"], answer: {
    results: (
      & Partial<
        {
          [Name in keyof TraceServerSchemas["Prices"]]: TraceServerSchemas["Prices"][Name] | null;
        }
      >
      & {
        id?: string | null;
        llm_id?: string | null;
      }
    )[];
  }];
  /** `/cost/purge` */
  costPurgeCostPurgePost: [
    data: TraceServerSchemas["InProject"] & { readonly query: TraceServerSchemas["Query"] },
    answer: object,
  ];
  /** `/feedback/create` */
  feedbackCreateFeedbackCreatePost: [
    data: TraceServerSchemas["Feedback"],
    answer: TraceServerSchemas["StoredFeedback"],
  ];
  /** `/feedback/query` */
  feedbackQueryFeedbackQueryPost: [
    data: TraceServerSchemas["FieldsQuery"],
    answer: { result: Record<string, unknown>[] },
  ];
  /** `/feedback/purge` */
  feedbackPurgeFeedbackPurgePost: [
    data: TraceServerSchemas["InProject"] & { readonly query: TraceServerSchemas["Query"] },
    answer: object,
  ];
  /** `/feedback/replace` */
  feedbackReplaceFeedbackReplacePost: [
    data: TraceServerSchemas["Feedback"] & { readonly feedback_id: string },
    answer: TraceServerSchemas["StoredFeedback"],
  ];
}

/**
 * Body of an error response: why the server rejected the request.
 *
 * @example
 * ```ts
 * import type { TraceServerProblem } from "@weave-wal/client";
 *
 * const problem: TraceServerProblem = { reason: "No such project" };
 * if (problem.reason !== "No such project") throw new Error("Another reason");
 * ```
 */
export interface TraceServerProblem {
  /** The reason. */
  reason?: string;
  /** Invalid parts of the request body: location and error. */
  detail?: { loc: (string | number)[]; msg: string; type: string }[];
}
