/**
 * A call that passes through two relays, whose end reaches the server before its start.
 *
 * @module
 */

import assert from "node:assert/strict";
import { endOf, post, startOf } from "../../../tests/support/mock_server/mock_requests.ts";
import { startRelay } from "../../../tests/support/relay/relay_fixture.ts";
import type { Context, Findings, Scenario } from "../scenario.ts";

/** See the module. */
export const twoRelays: Scenario = {
  name: "two-relays",
  title: "a call through two relays whose end is sent first",
  each: "run",
  weight: "slow",
  run: endFirst,
};

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";

async function endFirst({ bench: { server, reader }, gate, project }: Context): Promise<Findings> {
  await using first = await startRelay({ server: gate.url });
  await using second = await startRelay({ server: gate.url });
  const write = async (url: string, mode: "start" | "end", part: object): Promise<void> => {
    const req = { [mode]: { ...part, project_id: project } };
    const { status } = await post({ url }, "/call/upsert_batch", { batch: [{ mode, req }] });
    assert.equal(status, 200, mode);
  };
  await write(second.url, "end", endOf(ID));
  const asked = (): boolean => gate.passed.some(({ path }) => path === "/call/read");
  while (!asked()) await new Promise((resolve) => setTimeout(resolve, 100));
  await write(first.url, "start", startOf(ID, { trace_id: ID }));
  await second.stop(60_000);
  await server.merge();
  const calls = await reader.calls(project);
  assert.equal(calls.length, 1);
  assert.equal(calls[0].id, ID);
  assert.ok(calls[0].ended_at, "it is ended");
  return { sent: "1 call in two halves", arrived: "1 call" };
}
