/**
 * The scenarios, in the order they run.
 *
 * @module
 */

import type { Scenario } from "../scenario.ts";
import { echo, patience, portals } from "./answers.ts";
import { double } from "./double.ts";
import { digests, foreign } from "./logs.ts";
import { corrupt, poison } from "./poison.ts";
import { halves, missing, summaries } from "./values.ts";
import { writes } from "./writes.ts";

/** All scenarios. */
export const scenarios: readonly Scenario[] = [
  double,
  writes,
  halves,
  summaries,
  poison,
  corrupt,
  foreign,
  digests,
  missing,
  patience,
  portals,
  echo,
];
