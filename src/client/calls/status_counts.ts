/**
 * Status counts of a call and its descendants, by which the UI shows a failed child of a call that succeeded.
 *
 * @module
 */

/** Number of calls by status. */
export interface StatusCounts {
  readonly success: number;
  readonly error: number;
}

/** A call as this module sees it. */
interface CountedCall {
  readonly parent: object | null;
  childStatus: StatusCounts | undefined;
}

const ONE_SUCCESS: StatusCounts = Object.freeze({ success: 1, error: 0 });
const ONE_ERROR: StatusCounts = Object.freeze({ success: 0, error: 1 });

/**
 * Counts a call that ends with `status` and all below it that ended before, and adds them to its
 * parent. A call that outlives its parent is not counted there.
 */
export function countStatus(call: CountedCall, status: keyof StatusCounts): StatusCounts {
  const own = status === "success" ? ONE_SUCCESS : ONE_ERROR;
  const counts = add(own, call.childStatus);
  const parent = call.parent as CountedCall | null;
  if (parent !== null) parent.childStatus = add(counts, parent.childStatus);
  return counts;
}

/** JSON text of a summary that holds nothing but the counts. */
export function statusText({ success, error }: StatusCounts): string {
  return '{"status_counts":{"success":' + success + ',"error":' + error + "}}";
}

function add(left: StatusCounts, right: StatusCounts | undefined): StatusCounts {
  if (right === undefined) return left;
  return { success: left.success + right.success, error: left.error + right.error };
}
