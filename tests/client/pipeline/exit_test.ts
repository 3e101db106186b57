/**
 * The exit of a program: how long it takes, and what is in the log then.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { BAD_NETWORKS, noBlackHole } from "../../support/network/bad_network.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

const onDeno = detectRuntime().name === "deno";
/** `exitDrainMs`, half a second, and a margin for a busy machine. */
const ENOUGH_MS = 9_000;

const DROPPED = "packets dropped";

/** More than the buffers of a connection hold. */
const LARGE = { calls: 8, bytes: 900_000 };

const program = (livesMs: number, more = "", { calls, bytes } = { calls: 1, bytes: 42 }) => `
  import { init, op } from "./weave_wal.mjs";
  import process from "node:process";
  ${more}
  await init("team/exit");
  const answer = op(function answer() { return "x".repeat(${bytes}); });
  for (let i = 0; i < ${calls}; i++) answer();
  await new Promise((resolve) => setTimeout(resolve, ${livesMs}));
  console.log("done");
`;

/** Names of the ops in a project's log, one per record of a call. */
function logged(project: UserProject): string[] {
  return project.logs("team/exit").sort().flatMap((name) =>
    readFileSync(join(project.walDir, "team/exit", name), "utf8").trim().split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type.startsWith("call_"))
      .map(({ type, req }) => `${type} ${req.start?.op_name.split(/[/:]/).at(-2) ?? ""}`.trim())
  );
}

for (const livesMs of [0, 3_000]) {
  test(`exit: a program that runs for ${livesMs} ms ends within the bound, whatever the network does`, async () => {
    const kinds = Object.entries(BAD_NETWORKS).filter(([what]) => what !== DROPPED || !noBlackHole);
    await Promise.all(kinds.map(async ([what, network]) => {
      await using bad = await network();
      using project = new UserProject();
      project.copy("weave_wal.mjs");
      project.write("main.mjs", program(livesMs, "", LARGE));
      const { code, errors, lastMs } = await project.run("main.mjs", {
        env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: bad.url },
      });
      assert.equal(code, 0, errors);
      assert.ok(lastMs < ENOUGH_MS, `${what}: ${lastMs} ms\n${errors}`);
      const calls = Array(LARGE.calls).fill(["call_start answer", "call_end"]).flat();
      assert.deepEqual(logged(project), calls);
    }));
  });
}

test("exit: a long backlog on a working server does not keep a program alive after its end", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  const env = { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url };
  project.write("weave.jsonc", JSON.stringify({ batchRecords: 20 }));
  project.write(
    "write.mjs",
    `${program(0)}\nfor (let i = 0; i < 4000; i++) answer();`,
  );
  await project.run("write.mjs", { env: { ...env, WEAVE_DISABLE_WAL_SENDER: "true" } });
  // Four requests at a time: without a limit, the program would not exit for twenty
  // seconds.
  mock.faults.add({ delayMs: 200 });
  project.write("main.mjs", program(0));
  const { code, errors, lastMs } = await project.run("main.mjs", { env });
  assert.equal(code, 0, errors);
  assert.ok(lastMs < ENOUGH_MS, `${lastMs} ms\n${errors}`);
  assert.ok(mock.store.finishedCount("team/exit") > 0);
  assert.ok(mock.store.finishedCount("team/exit") < 4000);
});

const LISTENERS: Record<string, string> = {
  'process.on("exit")': 'process.on("exit", () => late());',
  'process.on("beforeExit")': 'process.once("beforeExit", () => late());',
  "a listener after process.exit()":
    'process.on("exit", () => late()); setTimeout(() => process.exit(0));',
  ...onDeno ? { 'addEventListener("unload")': 'addEventListener("unload", () => late());' } : {},
};

for (const [what, listen] of Object.entries(LISTENERS)) {
  test(`exit: an op in ${what} is in the log, without a word`, async () => {
    await using mock = await startMockServer();
    using project = new UserProject();
    project.copy("weave_wal.mjs");
    const late = `
      const late = op(function late() { inner(); return "late"; });
      const inner = op(function inner() {});
    `;
    project.write("main.mjs", `${program(0)}\n${late}\n${listen}`);
    const { code, errors } = await project.run("main.mjs", {
      env: {
        WEAVE_ENABLE_WAL: "true",
        WEAVE_DISABLE_WAL_SENDER: "true",
        WEAVE_LOG_LEVEL: "warning",
        WF_TRACE_SERVER_URL: mock.url,
      },
    });
    assert.deepEqual([code, errors], [0, ""]);
    assert.deepEqual(logged(project), [
      ...["call_start answer", "call_end"],
      ...["call_start late", "call_start inner", "call_end", "call_end"],
    ]);
    project.write(
      "next.mjs",
      `
      import { flush, init } from "./weave_wal.mjs";
      await init("team/exit");
      console.log((await flush({ timeout: 25000 })).done);
    `,
    );
    const next = await project.run("next.mjs", {
      env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url },
    });
    assert.equal(next.lines[0], "true", next.errors);
    assert.equal(mock.store.finishedCount("team/exit"), 3);
  });
}

test("exit: an op in a beforeExit listener is delivered, also without a log on disk", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  project.write(
    "main.mjs",
    `${program(0)}
    const late = op(function late() {});
    let times = 0;
    process.on("beforeExit", () => { if (times++ < 2) setTimeout(late, 5); });
    process.on("beforeExit", () => late());`,
  );
  const { code, errors } = await project.run("main.mjs", {
    env: { WF_TRACE_SERVER_URL: mock.url, WEAVE_LOG_LEVEL: "warning" },
  });
  assert.deepEqual([code, errors], [0, ""]);
  assert.ok(mock.store.finishedCount("team/exit") >= 3, "answer, and late at least twice");
});
