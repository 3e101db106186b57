/**
 * The scenarios, in the order of their runs.
 *
 * @module
 */

import type { Scenario } from "../scenario.ts";
import { echo, patience, portals, slow } from "./answers.ts";
import { demo } from "./demo.ts";
import { double } from "./double.ts";
import { kills } from "./kills.ts";
import { digests, foreign, reordered } from "./logs.ts";
import { picture } from "./picture.ts";
import { corrupt, poison } from "./poison.ts";
import { python } from "./python.ts";
import { register } from "./register.ts";
import { relay } from "./relay.ts";
import { twoRelays } from "./two_relays.ts";
import { halves, missing, summaries } from "./values.ts";
import { offline, writes } from "./writes.ts";

/** All scenarios. */
export const scenarios: readonly Scenario[] = [
  double,
  writes,
  offline,
  picture,
  register,
  demo,
  halves,
  summaries,
  poison,
  corrupt,
  foreign,
  reordered,
  digests,
  missing,
  kills,
  python,
  relay,
  twoRelays,
  patience,
  slow,
  portals,
  echo,
];
