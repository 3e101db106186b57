/**
 * Options of the mock server.
 *
 * @module
 */

/**
 * The calls APIs that the server supports.
 *
 * - `"old"`: a server older than v2; v2 paths return 404.
 * - `"new"`: both; a project whose first call arrives through v2 is in complete mode from
 *   then on.
 * - `"complete"`: every project is in complete mode; v1 call writes return 400
 *   `CALLS_COMPLETE_MODE_REQUIRED`.
 */
export type CallMode = "old" | "new" | "complete";

/** Options that can be changed while the server runs (`MockServer.configure`). */
export interface MockBehavior {
  /** Supported calls APIs (default: `"new"`). */
  callMode: CallMode;
  /** Supported file paths: `/files/…`, the older `/file/…`, or `"both"` (default). */
  filePaths: "new" | "old" | "both";
  /** Whether `/feedback/batch/create` exists (default: `true`). */
  feedbackBatch: boolean;
  /** Format of the responses to OpenTelemetry spans (default: `"json"`). */
  otelReply: "json" | "protobuf";
  /** Maximum size of a request body in bytes; larger ones return 413 (default: 32 MiB). */
  bodyLimit: number;
  /**
   * Projects that do not exist, which return 404 with a reason: `"entity/project"`, or
   * `"entity"` for all projects of an entity (default: none). Every other project is
   * created on first use.
   */
  missingProjects: readonly string[];
  /**
   * Whether call IDs may have any format, so that tests can use short ones (default:
   * `true`). The real server accepts only UUIDs and OpenTelemetry IDs.
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
  /** Whether the journal keeps the text of request bodies (default: `false`). */
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
