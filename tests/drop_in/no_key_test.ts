/**
 * A process that only writes needs no API key: its sidecar has one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { cliProcess } from "../support/cli/cli_support.ts";
import { test } from "../harness.ts";
import { SDK_VERSIONS, SdkProject } from "../support/drop_in/register_fixture.ts";

const WRITES_ONLY = {
  WEAVE_ENABLE_WAL: "true",
  WEAVE_DISABLE_WAL_SENDER: "true",
  WANDB_API_KEY: "",
};

for (const version of Object.keys(SDK_VERSIONS)) {
  test(`register: weave ${version} writes without an API key where the sender is off`, async () => {
    using project = new SdkProject(version);
    await using mock = await startMockServer();
    const env = { ...WRITES_ONLY, WF_TRACE_SERVER_URL: mock.url };
    writeFileSync(
      join(project.directory, "program.cjs"),
      `const process = require("node:process");
       const weave = require("weave");
       (async () => {
         await weave.init("team/plain", { printCallLink: false });
         console.log("result " + await weave.op(function double(n) { return 2 * n; })(21));
         console.log("key", JSON.stringify(process.env.WANDB_API_KEY || null));
       })();`,
    );
    const { code, lines, errors } = await project.run("program.cjs", { env });
    assert.equal(code, 0, errors);
    assert.deepEqual(lines.slice(-2), ["result 42", "key null"]);
    assert.equal(mock.store.callCount(), 0);
    // The sidecar has a key and sends.
    const sidecar = { ...env, WANDB_API_KEY: "key", WEAVE_WAL_DIR: project.walDir };
    const flushed = await cliProcess(["flush"], { cwd: project.directory, env: sidecar });
    assert.equal(flushed.code, 0, flushed.err);
    assert.equal(mock.store.finishedCount("team/plain"), 1);
  }, { timeout: 60_000 });
}

test("register: a process with a sender still needs its key", async () => {
  using project = new SdkProject();
  const env = { ...WRITES_ONLY, WEAVE_DISABLE_WAL_SENDER: "" };
  const { code, errors, lines } = await project.run("plain.cjs", { env });
  assert.notEqual(code, 0);
  assert.match(`${errors}${lines.join()}`, /API key not found/);
  assert.ok(!readdirSync(project.directory).includes(".weave"));
});
