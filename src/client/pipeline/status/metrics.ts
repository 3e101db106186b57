/**
 * The metrics of a pipeline. Loaded on demand.
 *
 * @module
 */

import type { MetricSamples } from "../../../metrics/exposition.ts";
import { logMetrics, processLabel } from "../../../metrics/log_metrics.ts";
import type { Clock } from "../../../runtime/runtime.ts";
import type { Pipeline } from "../pipeline.ts";

/** Returns the current metrics of `pipeline`. */
export async function pipelineMetrics(
  pipeline: Pick<Pipeline, "stats" | "reports">,
  clock: Pick<Clock, "now">,
): Promise<MetricSamples> {
  const { pendingRecords, pendingEstimated = false, pendingBytes, oldestPendingMs } = await pipeline
    .stats();
  const { pid, host, log, sender } = pipeline.reports();
  const { entity, project, quota } = log;
  const oldest = oldestPendingMs === null ? null : clock.now() - oldestPendingMs;
  return logMetrics({
    projects: [
      { entity, project, pendingRecords, pendingEstimated, pendingBytes, oldest, quota },
    ],
    processes: [{ process: processLabel(pid, host), log, sender }],
  });
}
