/**
 * Worker threads and clusters: each thread and process has its own log.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { UserProject } from "../support/processes/program_fixture.ts";
import { test } from "../harness.ts";

test("threads: main thread and workers trace concurrently, and each delivers its own records", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  project.write(
    "worker.mjs",
    `
    import { parentPort, workerData } from "node:worker_threads";
    import { finish, init, op } from "./weave_wal.mjs";
    await init("team/threads");
    const leaf = op(function leaf(n) { return n; });
    const work = op(async function work(n) { await null; return leaf(n); });
    for (let i = 0; i < 5; i++) await work(workerData);
    const { done } = await finish();
    parentPort.postMessage(done);
    `,
  );
  project.write(
    "main.mjs",
    `
    import { Worker } from "node:worker_threads";
    import { finish, init, op } from "./weave_wal.mjs";
    await init("team/threads");
    const ask = op(function ask(n) {
      return new Promise((resolve, reject) => {
        const worker = new Worker(new URL("./worker.mjs", import.meta.url), { workerData: n });
        worker.on("message", resolve);
        worker.on("error", reject);
      });
    });
    const done = await Promise.all([1, 2, 3].map((n) => ask(n)));
    console.log(JSON.stringify([...done, (await finish()).done]));
    `,
  );
  const { code, lines, errors } = await project.run("main.mjs", {
    env: {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_LOG_LEVEL: "warning",
      WF_TRACE_SERVER_URL: mock.url,
    },
  });
  assert.deepEqual([code, errors, lines.at(-1)], [0, "", "[true,true,true,true]"]);
  const calls = mock.store.calls("team/threads");
  const of = (name: string) => calls.filter(({ op_name }) => op_name!.includes(`/op/${name}:`));
  assert.deepEqual([of("ask").length, of("work").length, of("leaf").length], [3, 15, 15]);
  const works = new Map(of("work").map((call) => [call.id, call]));
  for (const leaf of of("leaf")) {
    assert.equal(works.get(leaf.parent_id!)?.output, leaf.output);
  }
  assert.deepEqual(project.logs("team/threads"), []);
});

test("cluster: every worker has its own client, and all calls arrive", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  project.write(
    "main.mjs",
    `
    import cluster from "node:cluster";
    import process from "node:process";
    import { finish, init, op } from "./weave_wal.mjs";
    await init("team/cluster");
    if (cluster.isPrimary) {
      const codes = await Promise.all([1, 2, 3].map(() => {
        const worker = cluster.fork();
        return new Promise((resolve) => worker.on("exit", resolve));
      }));
      const { done } = await finish();
      console.log(JSON.stringify([codes, done]));
    } else {
      const work = op(function work(pid) { return pid; });
      for (let i = 0; i < 10; i++) work(process.pid);
      await finish();
      process.exit(0);
    }
    `,
  );
  const { code, lines, errors } = await project.run("main.mjs", {
    env: {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_LOG_LEVEL: "warning",
      WF_TRACE_SERVER_URL: mock.url,
    },
  });
  assert.deepEqual([code, errors, lines.at(-1)], [0, "", "[[0,0,0],true]"]);
  const calls = mock.store.calls("team/cluster");
  assert.equal(calls.length, 30);
  assert.equal(new Set(calls.map(({ output }) => output)).size, 3);
  assert.deepEqual(project.logs("team/cluster"), []);
});
