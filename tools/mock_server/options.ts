/**
 * Options of the mock server.
 *
 * @module
 */

/**
 * The calls APIs that the server supports.
 *
 * - `"old"`: a server from before v2; v2 paths answer 404.
 * - `"new"`: both; a project whose first call comes in through v2 is in complete mode from then on.
 * - `"complete"`: every project is in complete mode: the v1 call writes answer 400
 *   `CALLS_COMPLETE_MODE_REQUIRED`.
 */
export type CallMode = "old" | "new" | "complete";

/** Options that can be changed while the server runs (`MockServer.configure`). */
export interface MockBehavior {
  /** Supported calls APIs (default: `"new"`). */
  callMode: CallMode;
  /** Which file paths exist: `/files/…`, the older `/file/…`, or `"both"`, the default. */
  filePaths: "new" | "old" | "both";
  /** Whether `/feedback/batch/create` exists; `true`. */
  feedbackBatch: boolean;
  /** Format of the responses to OpenTelemetry spans (default: `"json"`). */
  otelReply: "json" | "protobuf";
  /** The largest request body in bytes; more answers 413. 32 MiB. */
  bodyLimit: number;
  /**
   * Projects that do not exist: 404 with a reason. `"entity/project"`, or `"entity"` for all
   * projects of an entity. None by default: every other project is made when it is first named.
   */
  missingProjects: readonly string[];
  /**
   * Whether call ids may have any form, so that tests can use short ones (default: `true`). The real
   * server accepts UUIDs and ids of OpenTelemetry only.
   */
  anyIds: boolean;
  /** Required API key: 401 without one, 403 with another (default: `null`, any). */
  apiKey: string | null;
  /** Default entity that `/graphql` returns (default: `"mock-entity"`). */
  defaultEntity: string;
}

/** Options that are fixed when the server is created. */
export interface MockOptions extends Partial<MockBehavior> {
  /** Whether inputs, outputs, values and files are stored, not just IDs and counts (default: `true`). */
  keepBodies?: boolean;
  /** Maximum number of requests in the journal (default: 10,000). */
  journalSize?: number;
  /** Whether the journal keeps the text of request bodies; `false`. */
  journalBodies?: boolean;
}

/** Default options. */
export const DEFAULT_BEHAVIOR: Readonly<MockBehavior> = {
  callMode: "new",
  filePaths: "both",
  feedbackBatch: true,
  otelReply: "json",
  bodyLimit: 32 * 1024 * 1024,
  missingProjects: [],
  anyIds: true,
  apiKey: null,
  defaultEntity: "mock-entity",
};
