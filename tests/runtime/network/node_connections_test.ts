/**
 * Requests on Node.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { nodeFetch } from "../../../src/runtime/node/node_connections.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { BAD_NETWORKS, noBlackHole } from "../../support/network/bad_network.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

const skip = detectRuntime().name !== "node" && "these are Node's connections";
const never: Fetch = () => Promise.reject(new Error("the fallback was asked"));
const native: Fetch = (url, init) => fetch(url, init);
const proxyFor = () => null;

test("connections: requests succeed sequentially and concurrently", async () => {
  await using mock = await startMockServer();
  for (const background of [false, true]) {
    const options = { connectMs: 5_000, proxyFor };
    const send = nodeFetch(background, globalThis.fetch, never, options);
    // A background socket would not keep this test alive.
    const hold = setInterval(() => {}, 1_000);
    const get = async () => (await (await send(`${mock.url}/health`)).text()).length > 0;
    assert.deepEqual([await get(), await get()], [true, true]);
    assert.deepEqual(await Promise.all(Array.from({ length: 9 }, get)), Array(9).fill(true));
    await assert.rejects(send("http://127.0.0.1:9/"), Error);
    await assert.rejects(send("https://127.0.0.1:9/"), Error);
    clearInterval(hold);
  }
}, { skip });

test("connections: a fetch that is not Node's own is left alone", async () => {
  const asked: string[] = [];
  const fallback: Fetch = (url) => {
    asked.push(url);
    return Promise.resolve(new Response("fallback"));
  };
  for (const background of [false, true]) {
    const send = nodeFetch(background, native, fallback, { connectMs: 1_000, proxyFor });
    assert.equal(await (await send("http://nowhere/")).text(), "fallback");
  }
  assert.deepEqual(asked, ["http://nowhere/", "http://nowhere/"]);
}, { skip });

test(
  "connections: connecting is given up after its time, and when nobody waits for it",
  async () => {
    await using bad = await BAD_NETWORKS["packets dropped"]();
    const connecting = () =>
      process.getActiveResourcesInfo().filter((kind) => kind === "ConnectWrap").length;
    // The connections that fill the queue are waiting too.
    const others = connecting();
    const limited = nodeFetch(false, globalThis.fetch, never, { connectMs: 50, proxyFor });
    await assert.rejects(limited(bad.url), /No connection within 50 ms/);
    const patient = nodeFetch(true, globalThis.fetch, never, { connectMs: 600_000, proxyFor });
    const abort = new AbortController();
    const requests = [1, 2, 3].map(() => patient(bad.url, { signal: abort.signal }));
    while (connecting() === others) await new Promise((resolve) => setTimeout(resolve, 1));
    abort.abort();
    for (const request of requests) await assert.rejects(request, { name: "AbortError" });
    while (connecting() > others) await new Promise((resolve) => setTimeout(resolve, 1));
  },
  { skip: skip || noBlackHole },
);

test("connections: a dispatcher that the program has set stays in charge", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  project.link("undici");
  project.write(
    "main.mjs",
    `
    import { Agent, setGlobalDispatcher } from "undici";
    import { finish, init, op } from "./weave_wal.mjs";
    let dispatched = 0;
    class Counting extends Agent {
      dispatch(options, handler) { dispatched++; return super.dispatch(options, handler); }
    }
    const client = await init("team/proxy");
    setGlobalDispatcher(new Counting());
    op(function work() {})();
    await client.serverInfo();
    const { done } = await finish();
    console.log(JSON.stringify({ done, all: dispatched > 2 }));
    `,
  );
  const { lines, errors } = await project.run("main.mjs", {
    env: { WF_TRACE_SERVER_URL: mock.url },
  });
  assert.equal(lines.at(-1), '{"done":true,"all":true}', errors);
}, { skip });

test("connections: the sender of a program does not load Node's fetch", async () => {
  await using mock = await startMockServer();
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  project.write(
    "main.mjs",
    `
    import process from "node:process";
    import { init, op } from "./weave_wal.mjs";
    await init("team/lean", { wal: true });
    op(function work() {})();
    process.on("exit", () => {
      console.log(Symbol.for("undici.globalDispatcher.1") in globalThis);
    });
    `,
  );
  const { lines, errors } = await project.run("main.mjs", {
    env: { WF_TRACE_SERVER_URL: mock.url },
  });
  assert.equal(lines.at(-1), "false", errors);
  // The file with the op's source, and the call.
  assert.equal(mock.store.calls("team/lean").length, 1);
}, { skip });
