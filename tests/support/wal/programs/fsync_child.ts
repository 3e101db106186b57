/**
 * A program that appends records under an fsync policy and marks its progress by writes
 * to standard output: the trace of its system calls shows what was synced in between.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { openPipeline } from "../../../../src/client/pipeline/create_pipeline.ts";
import { pipelineOptions, start } from "../../delivery/delivery_fixture.ts";
import type { FsyncPolicy } from "../../../../src/client/pipeline/pipeline.ts";

const { walDir, fsync, records, waitMs, segmentBytes } = JSON.parse(process.argv[2]) as {
  walDir: string;
  fsync: FsyncPolicy;
  records: number;
  /** Ms to idle after the last record. */
  waitMs: number;
  segmentBytes: number;
};

const mark = (text: string): void => void writeSync(1, `${text}\n`);
const pipeline = openPipeline(
  pipelineOptions(walDir, "http://127.0.0.1:1", {
    sender: false,
    requireDisk: false,
    fsync,
    segmentBytes,
  }),
);
for (let n = 0; n < records; n++) {
  pipeline.append("call_start", start(`record-${n}`));
  mark(`appended ${n}`);
}
await new Promise((resolve) => setTimeout(resolve, waitMs));
mark("waited");
await pipeline.sync();
mark("synced");
process.exit(0);
