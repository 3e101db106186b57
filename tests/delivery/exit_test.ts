import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { childCommand } from "../support/processes/child_fixture.ts";
import { withDelivery } from "../support/delivery/delivery_fixture.ts";
import { test } from "../harness.ts";

function run(walDir: string, url: string): Promise<{ code: number | null; out: string }> {
  const [command, ...args] = childCommand("support/delivery/exit_child.ts", "");
  const child = spawn(command, args, {
    env: {
      ...process.env,
      WEAVE_ENABLE_WAL: "true",
      WEAVE_WAL_DIR: walDir,
      WF_TRACE_SERVER_URL: url,
      WANDB_API_KEY: "test-key",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => out += chunk);
  child.stderr.on("data", (chunk) => out += chunk);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out })));
}

// A request times out after 30 s: the time limit of this test shows that nothing waits
// for it.
test("exit: an unresponsive server does not keep a program alive after its end", async () => {
  await withDelivery({}, async (fixture) => {
    const active = fixture.mock.faults.add({ hang: true });
    const first = await run(fixture.walDir, fixture.mock.url);
    assert.equal(first.code, 0, first.out);
    assert.match(first.out, /the program has ended/);
    assert.equal(fixture.mock.store.callCount("team/project"), 0);
    assert.ok(fixture.files().some((name) => name.endsWith(".jsonl")), "the call waits on disk");
    active.remove();
    const second = await run(fixture.walDir, fixture.mock.url);
    assert.equal(second.code, 0, second.out);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 2);
    assert.deepEqual(fixture.files().filter((name) => name.endsWith(".jsonl")), []);
  });
}, { timeout: 28_000 });
