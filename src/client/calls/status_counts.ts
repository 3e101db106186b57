/**
 * Status counts of a call and its descendants. The UI uses them to show that a descendant failed.
 *
 * @module
 */

/** Number of calls by status. */
export interface StatusCounts {
  readonly success: number;
  readonly error: number;
}

/** The fields of a call that are used here. */
interface CountedCall {
  readonly parent: object | null;
  childStatus: StatusCounts | undefined;
}

const ONE_SUCCESS: StatusCounts = Object.freeze({ success: 1, error: 0 });
const ONE_ERROR: StatusCounts = Object.freeze({ success: 0, error: 1 });

/**
 * Counts a call that ends with `status`, with all its finished descendants, and adds the counts to
 * its parent. Calls that outlive their parent are not counted there.
 */
export function countStatus(call: CountedCall, status: keyof StatusCounts): StatusCounts {
  const own = status === "success" ? ONE_SUCCESS : ONE_ERROR;
  const counts = add(own, call.childStatus);
  const parent = call.parent as CountedCall | null;
  if (parent !== null) parent.childStatus = add(counts, parent.childStatus);
  return counts;
}

/** Returns the JSON text of a summary that contains only the counts. */
export function statusText({ success, error }: StatusCounts): string {
  return '{"status_counts":{"success":' + success + ',"error":' + error + "}}";
}

function add(left: StatusCounts, right: StatusCounts | undefined): StatusCounts {
  if (right === undefined) return left;
  return { success: left.success + right.success, error: left.error + right.error };
}
