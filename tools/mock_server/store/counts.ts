/**
 * Counters of writes to the mock server.
 *
 * @module
 */

/** Counters of call writes, including each item of a batch. */
export interface CallCounts {
  /** Starts taken, repeated ones too. */
  callStarts: number;
  /** Ends taken, repeated ones too. */
  callEnds: number;
  /** Items of `calls/complete` taken, repeated ones too. */
  callCompletes: number;
  /** Starts that were there already, the same. */
  duplicateStarts: number;
  /** Ends that were there already, the same. */
  duplicateEnds: number;
  /** Items of `calls/complete` that were there already, the same. */
  duplicateCompletes: number;
  /** Starts, ends and completes that replaced something else under the same key. */
  conflicts: number;
  /** v2 ends without their start's row, which are refused. */
  orphanEnds: number;
  /** Calls renamed. */
  callUpdates: number;
  /** Calls deleted. */
  callDeletes: number;
}

/** Counters of all writes since the last reset. */
export interface MockCounts extends CallCounts {
  /** Objects taken, repeated ones too. */
  objects: number;
  /** Objects that were there already under the same id and digest. */
  duplicateObjects: number;
  /** Tables taken, repeated ones too. */
  tables: number;
  /** Tables that were there already. */
  duplicateTables: number;
  /** Row digests that a table named and the server never saw. */
  danglingRows: number;
  /** Files taken, repeated ones too. */
  files: number;
  /** Files that were there already. */
  duplicateFiles: number;
  /** Feedback items taken, repeated ones too. */
  feedback: number;
  /** Feedback items that were there already under the same id. */
  duplicateFeedback: number;
  /** Costs taken. */
  costs: number;
  /** Spans taken, repeated ones too. */
  spans: number;
  /** Spans that were there already. */
  duplicateSpans: number;
  /** Spans that were not taken. */
  rejectedSpans: number;
}

/** Counts of a server that was not written to. */
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
