/**
 * The scenarios, in the order they run.
 *
 * @module
 */

import type { Scenario } from "../scenario.ts";
import { writes } from "./writes.ts";

/** All scenarios. */
export const scenarios: readonly Scenario[] = [writes];
