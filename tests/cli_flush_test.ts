import assert from "node:assert/strict";
import { startMockServer } from "../src/mock/serve.ts";
import { cli, openLog, temporary, writeCalls } from "./cli_support.ts";
import { test } from "./harness.ts";

const NAME = "acme/chat";

test("flush sends what a finished process left and takes the files away", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const log = openLog(place.wal, NAME, { server: mock.url });
  const written = writeCalls(log, NAME, 25);
  await log.finish();
  const { code, out } = await cli(["flush"], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "key" },
  });
  assert.equal(code, 0, out);
  assert.match(out, /^Delivered 50 records/);
  assert.deepEqual(mock.store.calls(NAME).map(({ id }) => id).sort(), written.sort());
});
