/**
 * Types of the bodies of requests to the trace server and of its responses.
 *
 * @module
 */

import type { TraceServerSchemas } from "./trace_server_schemas.ts";

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
