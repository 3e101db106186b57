/**
 * A traced program that is killed in nested calls, or one that delivers orphaned
 * segments.
 *
 * @module
 */

import process from "node:process";
import { init, op } from "../../../../mod.ts";

/** Task of the program, as JSON in its argument. */
export interface InterruptedPlan {
  readonly serverUrl: string;
  readonly walDir: string;
  /** Whether it makes calls or only delivers orphaned segments. */
  readonly does: "calls" | "recovers";
  readonly sender: boolean;
  /** Rounds of complete calls inside its outer calls before it hangs. */
  readonly rounds: number;
  /** 4,096 by default. */
  readonly segmentBytes?: number;
}

const plan = JSON.parse(process.argv[2]) as InterruptedPlan;
const client = await init("team/project", {
  apiKey: "key",
  serverUrl: plan.serverUrl,
  wal: true,
  walDir: plan.walDir,
  sender: plan.sender,
  segmentBytes: plan.segmentBytes ?? 4_096,
  lingerMs: 5,
  retryMaxMs: 50,
  logLevel: "critical",
  closeInterrupted: true,
});

const leaf = op((n: number) => n + 1, { name: "leaf" });
const inner = op(async () => {
  for (let n = 0; n < plan.rounds; n++) leaf(n);
  if (plan.sender) await client.flush();
  console.log("hanging");
  await new Promise(() => {});
}, { name: "inner" });
const outer = op(async () => {
  leaf(-1);
  await inner();
}, { name: "outer" });

setInterval(() => {}, 60_000);
if (plan.does === "calls") await outer();
console.log("recovering");
