/**
 * How the mock server plays its part.
 *
 * @module
 */

/**
 * Which call path the server knows.
 *
 * - `"old"`: a server from before v2; v2 paths answer 404.
 * - `"new"`: both; a project whose first call comes in through v2 is in complete mode from then on.
 * - `"complete"`: every project is in complete mode: the v1 call writes answer 400
 *   `CALLS_COMPLETE_MODE_REQUIRED`.
 */
export type CallMode = "old" | "new" | "complete";

/** Behaviour that may also be changed while the server runs (`MockServer.configure`). */
export interface MockBehaviour {
  /** Which call path the server knows; `"new"`. */
  callMode: CallMode;
  /** Which file paths exist: `/files/…`, the older `/file/…`, or `"both"`, the default. */
  filePaths: "new" | "old" | "both";
  /** Whether `/feedback/batch/create` exists; `true`. */
  feedbackBatch: boolean;
  /** The largest request body in bytes; more answers 413. 32 MiB. */
  bodyLimit: number;
  /**
   * Projects that do not exist: 404 with a reason. `"entity/project"`, or `"entity"` for all
   * projects of an entity. None by default: every other project is made when it is first named.
   */
  missingProjects: readonly string[];
  /** The API key to ask for: 401 without one, 403 with another. `null`, the default, takes all. */
  apiKey: string | null;
  /** What `/graphql` answers as the viewer's default entity; `"mock-entity"`. */
  defaultEntity: string;
}

/** What can be chosen when the server is made. */
export interface MockOptions extends Partial<MockBehaviour> {
  /** Whether inputs, outputs, values and files are kept; `true`. Without, ids and counts are. */
  keepBodies?: boolean;
  /** How many requests the journal remembers; 10,000. */
  journalSize?: number;
  /** Whether the journal keeps the text of request bodies; `false`. */
  journalBodies?: boolean;
}

/** The behaviour of a server that was told nothing. */
export const DEFAULT_BEHAVIOUR: Readonly<MockBehaviour> = {
  callMode: "new",
  filePaths: "both",
  feedbackBatch: true,
  bodyLimit: 32 * 1024 * 1024,
  missingProjects: [],
  apiKey: null,
  defaultEntity: "mock-entity",
};
