/**
 * `drainOnSignal`: a program delivers before it is terminated by a signal.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { BAD_NETWORKS } from "../../support/network/bad_network.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

const ON = { WEAVE_WAL_DRAIN_ON_SIGNAL: "true", WEAVE_LOG_LEVEL: "error" };

/** A server-like program; a request is in flight once it has printed `ready`. */
function service(more = "", options = "{}"): UserProject {
  const project = new UserProject();
  project.copy("weave_wal.mjs");
  project.write(
    "main.mjs",
    `
    import { init, op } from "./weave_wal.mjs";
    import process from "node:process";
    const client = await init("team/signal", { lingerMs: 600000, ...${options} });
    const handle = op(function handle() { return 42; });
    handle();
    setInterval(() => {}, 1000);
    ${more}
    console.log("ready");
    `,
  );
  return project;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  for (const wal of ["true", "false"]) {
    test(`signal: ${signal} delivers and ends by the signal (log on disk: ${wal})`, async () => {
      await using mock = await startMockServer();
      using project = service();
      const program = project.start("main.mjs", {
        env: { ...ON, WEAVE_ENABLE_WAL: wal, WF_TRACE_SERVER_URL: mock.url },
      });
      await program.line("ready");
      program.kill(signal);
      const { signal: by, errors } = await program.ended;
      assert.deepEqual([by, errors], [signal, ""]);
      assert.equal(mock.store.finishedCount("team/signal"), 1);
      assert.deepEqual(project.logs("team/signal"), []);
    });
  }
}

test("signal: without the option a program ends at once, and the log keeps its records", async () => {
  await using mock = await startMockServer();
  using project = service();
  const program = project.start("main.mjs", {
    env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url, WEAVE_LOG_LEVEL: "error" },
  });
  await program.line("ready");
  program.kill("SIGTERM");
  assert.equal((await program.ended).signal, "SIGTERM");
  assert.equal(mock.store.callCount("team/signal"), 0);
  assert.equal(project.logs("team/signal").length, 1);
});

test("signal: a program with its own listener decides when and how it ends", async () => {
  await using mock = await startMockServer();
  using project = service(
    `process.on("SIGTERM", async () => {
      handle();
      await client.flush();
      console.log("bye");
      process.exit(7);
    });`,
    "{ drainOnSignal: true }",
  );
  const program = project.start("main.mjs", { env: { WF_TRACE_SERVER_URL: mock.url } });
  await program.line("ready");
  program.kill("SIGTERM");
  const { code, lines } = await program.ended;
  assert.deepEqual([code, lines.at(-1)], [7, "bye"]);
  assert.equal(mock.store.finishedCount("team/signal"), 2);
});

test("signal: an unresponsive network delays the exit by exitDrainMs, a second signal ends the delay", async () => {
  await using bad = await BAD_NETWORKS["no answer"]();
  for (const signals of [1, 2]) {
    // The second program would run for longer than the time limit of this test.
    using project = service("", `{ exitDrainMs: ${signals === 1 ? 300 : 600_000} }`);
    const program = project.start("main.mjs", {
      env: { ...ON, WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: bad.url },
    });
    await program.line("ready");
    program.kill("SIGTERM");
    if (signals === 2) {
      // Simultaneous signals of one kind are merged.
      await new Promise((resolve) => setTimeout(resolve, 200));
      program.kill("SIGTERM");
    }
    assert.equal((await program.ended).signal, "SIGTERM");
    const [name] = project.logs("team/signal");
    assert.ok(name, "the call waits on disk");
    assert.deepEqual(project.logs("team/signal", ".lock"), [], "its writer has closed it");
  }
});
