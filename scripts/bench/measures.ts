/**
 * All measurements.
 *
 * @module
 */

import type { Measure } from "./measure.ts";
import { append } from "./measures/append.ts";
import { cluster } from "./measures/cluster.ts";
import { directory } from "./measures/directory.ts";
import { drain } from "./measures/drain.ts";
import { exit } from "./measures/exit.ts";
import { latency } from "./measures/latency.ts";
import { memory } from "./measures/memory.ts";
import { otel } from "./measures/otel.ts";
import { recovery } from "./measures/recovery.ts";
import { register } from "./measures/register.ts";
import { relay } from "./measures/relay.ts";
import { start } from "./measures/start.ts";
import { traced } from "./measures/traced.ts";

/** All measurements, by name for `--only`. */
export const MEASURES: Readonly<Record<string, Measure>> = {
  append,
  drain,
  memory,
  recovery,
  directory,
  traced,
  register,
  otel,
  relay,
  cluster,
  latency,
  start,
  exit,
};
