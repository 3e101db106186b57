/**
 * A program that appends records where syncs fail, prints its events, and kills itself
 * with SIGKILL.
 *
 * @module
 */

import process from "node:process";
import { openPipeline } from "../../../../src/client/pipeline/create_pipeline.ts";
import type { FsyncPolicy } from "../../../../src/client/pipeline/pipeline.ts";
import { errorCode } from "../../../../src/errors.ts";
import { pipelineOptions, start } from "../../delivery/delivery_fixture.ts";

const { walDir, fsync, records, segmentBytes } = JSON.parse(process.argv[2]) as {
  walDir: string;
  fsync: FsyncPolicy;
  records: number;
  segmentBytes: number;
};

const events: string[] = [];
const pipeline = openPipeline(pipelineOptions(walDir, "http://127.0.0.1:1", {
  sender: false,
  fsync,
  fsyncIntervalMs: 5,
  segmentBytes,
  onEvent: ({ level, name, message }) => void events.push(`${level} ${name}: ${message}`),
}));
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
for (let n = 0; n < records; n++) {
  pipeline.append("call_start", start(`record-${n}`));
  if (n % 20 === 0) await turn();
}
const syncs: string[] = [];
for (let n = 0; n < 2; n++) {
  syncs.push(await pipeline.sync().then(() => "synced", (error) => errorCode(error) ?? "no code"));
}
const { log, appended, dropped, syncError } = await pipeline.stats();
const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
console.log(JSON.stringify({ log, appended, lost, syncs, syncError, events }));
process.kill(process.pid, "SIGKILL");
