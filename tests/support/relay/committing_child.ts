/**
 * A relay and its callers, whose requests arrive together; prints a line for every
 * response.
 *
 * @module
 */

import process from "node:process";
import { post, PROJECT } from "../mock_server/mock_requests.ts";
import { startRelay, type TestRelayOptions } from "./relay_fixture.ts";

/** Instructions for the child; its only argument, as JSON. */
export interface CommitPlan extends Pick<TestRelayOptions, "commit" | "walDir"> {
  readonly requests: number;
  /** Ms to wait after the last response. */
  readonly waitMs: number;
}

const plan = JSON.parse(process.argv[2]) as CommitPlan;
// Nothing is sent, so no checkpoint is written.
await using relay = await startRelay({ ...plan, server: "http://127.0.0.1:1" });
const send = async (object_id: string): Promise<void> => {
  const response = await post(relay, "/obj/create", {
    obj: { project_id: PROJECT, object_id, val: 1 },
  });
  if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
  console.log(`answered ${object_id}`);
};
await send("first");
await Promise.all(Array.from({ length: plan.requests }, (_, n) => send(`object-${n}`)));
await new Promise((resolve) => setTimeout(resolve, plan.waitMs));
console.log("waited");
