/**
 * The built command behind a proxy.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { test } from "../../harness.ts";
import { startProcess, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { startForwardProxy } from "../../support/network/forward_proxy.ts";
import { succeeds } from "../../support/package/package_fixture.ts";

const isNode = detectRuntime().name === "node";

test("proxy: the built command delivers through it, files too", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await using proxy = await startForwardProxy({ "127.0.0.1": Number(new URL(mock.url).port) });
  const out = join(place.path, "dist");
  await succeeds("node", ["--import", "tsx", "scripts/build.ts", "--out", out]);
  const log = openLog(place.wal, "team/proxied", { server: mock.url });
  writeCalls(log, "team/proxied", 2);
  log.append(
    "file_create",
    JSON.stringify({ project_id: "team/proxied", name: "a.txt", content: btoa("text") }),
  );
  await log.finish();
  const main = join(out, "src/cli/main.js");
  const ended = await startProcess("node", [main, "flush", "--timeout", "30s"], {
    cwd: place.path,
    env: { WANDB_API_KEY: "key", WF_TRACE_SERVER_URL: mock.url, HTTP_PROXY: proxy.url },
  }).ended;
  assert.equal(ended.code, 0, ended.out + ended.err);
  assert.equal(mock.store.finishedCount("team/proxied"), 2);
  const paths = proxy.requests.map(({ target }) => new URL(target).pathname);
  assert.ok(paths.includes("/files/create"), paths.join());
  assert.deepEqual(ended.err, "");
}, { timeout: 120_000, skip: isNode ? false : "the build runs on Node" });
