/**
 * The intentional differences between the mock server and the real one, with their
 * reasons.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** Differences of one kind. */
export interface ListedDifference {
  /** Response of the mock server. */
  readonly mock: string;
  /** Response of the real server. */
  readonly real: string;
  /** Why the difference is kept. */
  readonly reason: string;
  /** The affected requests, as `story: request`. */
  readonly requests: readonly string[];
}

/** Path of the file with the list. */
export const listPath: URL = new URL("mock_differences.json", import.meta.url);

/** The list. */
export function listedDifferences(): readonly ListedDifference[] {
  return JSON.parse(readFileSync(listPath, "utf8")) as ListedDifference[];
}

/** The listed differences by request. */
export function knownDifferences(): ReadonlyMap<string, ListedDifference> {
  return new Map(
    listedDifferences().flatMap((difference) =>
      difference.requests.map((request) => [request, difference] as const)
    ),
  );
}
