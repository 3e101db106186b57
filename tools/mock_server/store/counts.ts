/**
 * Counters of writes to the mock server.
 *
 * @module
 */

/** Counters of call writes, including each item of a batch. */
export interface CallCounts {
  /** Accepted starts, including repeated ones. */
  callStarts: number;
  /** Accepted ends, including repeated ones. */
  callEnds: number;
  /** Accepted items of `calls/complete`, including repeated ones. */
  callCompletes: number;
  /** Repeated identical starts. */
  duplicateStarts: number;
  /** Repeated identical ends. */
  duplicateEnds: number;
  /** Repeated identical items of `calls/complete`. */
  duplicateCompletes: number;
  /** Starts, ends and complete calls that replaced different content with the same key. */
  conflicts: number;
  /** v2 ends without a row for their start, which are rejected. */
  orphanEnds: number;
  /** Renamed calls. */
  callUpdates: number;
  /** Deleted calls. */
  callDeletes: number;
}

/** Counters of all writes since the last reset. */
export interface MockCounts extends CallCounts {
  /** Accepted objects, including repeated ones. */
  objects: number;
  /** Repeated objects, by ID and digest. */
  duplicateObjects: number;
  /** Accepted tables, including repeated ones. */
  tables: number;
  /** Repeated tables. */
  duplicateTables: number;
  /** Row digests in tables that the server has never received. */
  danglingRows: number;
  /** Accepted files, including repeated ones. */
  files: number;
  /** Repeated files. */
  duplicateFiles: number;
  /** Accepted feedback items, including repeated ones. */
  feedback: number;
  /** Repeated feedback items, by ID. */
  duplicateFeedback: number;
  /** Accepted costs. */
  costs: number;
  /** Accepted spans, including repeated ones. */
  spans: number;
  /** Repeated spans. */
  duplicateSpans: number;
  /** Rejected spans. */
  rejectedSpans: number;
}

/** Initial counts. */
export function noCounts(): MockCounts {
  return {
    callStarts: 0,
    callEnds: 0,
    callCompletes: 0,
    duplicateStarts: 0,
    duplicateEnds: 0,
    duplicateCompletes: 0,
    conflicts: 0,
    orphanEnds: 0,
    callUpdates: 0,
    callDeletes: 0,
    objects: 0,
    duplicateObjects: 0,
    tables: 0,
    duplicateTables: 0,
    danglingRows: 0,
    files: 0,
    duplicateFiles: 0,
    feedback: 0,
    duplicateFeedback: 0,
    costs: 0,
    spans: 0,
    duplicateSpans: 0,
    rejectedSpans: 0,
  };
}
