/**
 * `flush` of the log of a relay, with calls that began at another one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { test } from "../../harness.ts";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { sending } from "../../support/cli/flush_fixture.ts";
import { endOf, post, PROJECT, startOf } from "../../support/mock_server/mock_requests.ts";
import { startRelay } from "../../support/relay/relay_fixture.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER = "01890a5d-ac96-774b-bcce-b302099a8058";

test("flush of a relay's log: an end waits for the start that another relay took", async () => {
  await using place = await temporary();
  await using server = await startMockServer();
  await using first = await startRelay({ server: server.url });
  await using second = await startRelay({ server: server.url });
  await server.stop();
  const start = startOf(ID, { trace_id: ID });
  await post(first, "/call/upsert_batch", { batch: [{ mode: "start", req: { start } }] });
  await post(second, "/call/upsert_batch", {
    batch: [
      { mode: "end", req: { end: endOf(ID) } },
      { mode: "start", req: { start: startOf(OTHER, { trace_id: OTHER }) } },
      { mode: "end", req: { end: endOf(OTHER) } },
    ],
  });
  await first.stop(1);
  await second.stop(1);
  await server.restart();
  const flush = async (dir: string, ...flags: string[]) => {
    const { code, out } = await cli(
      ["flush", "--json", "--dir", dir, ...flags],
      sending(place.path, server.url),
    );
    const { deadLettered } = JSON.parse(out) as { deadLettered: number };
    return { code, deadLettered };
  };
  assert.deepEqual(await flush(second.walDir, "--timeout", "5"), { code: 1, deadLettered: 0 });
  const ended = () =>
    server.store.calls(PROJECT).filter(({ ended_at }) => ended_at !== null).map(({ id }) => id);
  assert.deepEqual(ended(), [OTHER]);
  assert.deepEqual(await flush(first.walDir), { code: 0, deadLettered: 0 });
  assert.deepEqual(await flush(second.walDir), { code: 0, deadLettered: 0 });
  assert.deepEqual(ended().sort(), [ID, OTHER]);
}, { timeout: 120_000 });
