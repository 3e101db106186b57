/**
 * Functions of the host that the package uses itself can be ops: what it does to record a call is
 * not recorded, so there is no loop.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

/** Functions by name, as the object that has them. */
const FUNCTIONS: Record<string, string> = {
  setTimeout: "globalThis",
  clearTimeout: "globalThis",
  setImmediate: "globalThis",
  queueMicrotask: "globalThis",
  now: "Date",
  toISOString: "Date.prototype",
  random: "Math",
  stringify: "JSON",
  parse: "JSON",
  getRandomValues: "crypto",
  encode: "TextEncoder.prototype",
  error: "console",
  writeSync: "fs",
  openSync: "fs",
  readSync: "fs",
  request: "http",
};

const program = (name: string, owner: string) => `
  import fs from "node:fs";
  import http from "node:http";
  import { syncBuiltinESMExports } from "node:module";
  import process from "node:process";
  import { finish, flush, init, op } from "./weave_wal.mjs";
  const original = ${owner}[${JSON.stringify(name)}];
  let used = 0;
  const traced = op(function (...args) {
    used++;
    return Reflect.apply(original, this, args);
  }, { name: "traced" });
  await init("team/own", { wal: true });
  ${owner}[${JSON.stringify(name)}] = traced;
  syncBuiltinESMExports();
  const work = op(function work(x) { return x; });
  for (let i = 0; i < 1_000; i++) work(i);
  const first = await flush();
  await new Promise((resolve) => original === setTimeout ? original(resolve, 700) : setTimeout(resolve, 700));
  work(3);
  const { done } = await finish();
  ${owner}[${JSON.stringify(name)}] = original;
  process.stdout.write(JSON.stringify([first.done, done]) + "\\n");
`;

for (const [name, owner] of Object.entries(FUNCTIONS)) {
  test(`own code: ${owner}.${name} as an op does not record how calls are recorded`, async () => {
    await using mock = await startMockServer();
    using project = new UserProject();
    project.copy("weave_wal.mjs");
    project.write("main.mjs", program(name, owner));
    const { code, lines, errors } = await project.run("main.mjs", {
      env: { WF_TRACE_SERVER_URL: mock.url, WEAVE_LOG_LEVEL: "warning" },
    });
    assert.deepEqual([code, lines.at(-1)], [0, "[true,true]"], errors);
    const names = mock.store.calls("team/own").map(({ op_name }) => op_name!.split(/[/:]/).at(-2)!);
    const own = names.filter((one) => one === "traced").length;
    // `flush` and `finish` are called by the program, and may use the function a few times.
    assert.ok(own < 100, `${own} calls of the package`);
    assert.equal(names.filter((one) => one === "work").length, 1_001);
  });
}
