/**
 * All mutants. The simulation must find each within its number of seeds.
 *
 * @module
 */

import type { Bug } from "./mutant.ts";
import { CLOSING_BUGS } from "./closing.ts";
import { FOREIGN_BUGS } from "./foreign.ts";
import { LEASE_BUGS } from "./leases.ts";
import { DISK_BUGS } from "./disk.ts";
import { REMOVAL_BUGS } from "./removal.ts";
import { SENDING_BUGS } from "./sending.ts";
import { SPAN_CLOSING_BUGS } from "./span_closing.ts";

/** All mutants. */
export const BUGS: readonly Bug[] = [
  ...DISK_BUGS,
  ...REMOVAL_BUGS,
  ...LEASE_BUGS,
  ...FOREIGN_BUGS,
  ...CLOSING_BUGS,
  ...SPAN_CLOSING_BUGS,
  ...SENDING_BUGS,
];
