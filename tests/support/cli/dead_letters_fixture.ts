/**
 * Dead letters on a mock server, and the command that manages them.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { MockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "./cli.ts";
import type { Finished } from "./cli_support.ts";
import { openLog } from "./written_logs.ts";

/** A log and its directory. */
export interface Place {
  readonly path: string;
  readonly wal: string;
}

/** Runs `weave-wal dead-letters`. */
export async function deadLetters(
  place: Place,
  mock: MockServer,
  ...args: string[]
): Promise<Finished> {
  return await cli(["dead-letters", ...args], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "a-secret-key-0123456789" },
  });
}

/** All dead letters, as printed by `list --json`. */
export async function all(place: Place, mock: MockServer): Promise<Record<string, unknown>[]> {
  const { out } = await deadLetters(place, mock, "list", "--all", "--json");
  return out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Leaves feedback rejected by the server as dead letters of a deleted segment. */
export async function refuse(
  place: Place,
  mock: MockServer,
  count: number,
  name: string = "acme/chat",
): Promise<string[]> {
  const log = openLog(place.wal, name, { server: mock.url });
  const requests = Array.from(
    { length: count },
    (_, number) =>
      `{"id":"f${number}","project_id":"${name}","weave_ref":"weave:///${name}/call/c${number}","feedback_type":"custom","payload":{"n":1.0,"big":12345678901234567890}}`,
  );
  for (const request of requests) log.append("feedback_create", request);
  await log.finish();
  const fault = mock.faults.add({
    path: /feedback/,
    status: 422,
    body: { reason: `Row ${count} of ${name} has no sense` },
  });
  const sent = await cli(["flush"], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "x" },
  });
  assert.equal(sent.code, 1, sent.out + sent.err);
  fault.remove();
  return requests;
}
