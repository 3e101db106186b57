/**
 * The contract of process information.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Contract } from "./contract_fixture.ts";

/** This process, others, and the environment. */
export function processes(contract: Contract): void {
  contract("this process is alive and knows when it started", ({ runtime: { process } }) => {
    assert.ok(process.findProcess(process.pid));
    assert.equal(process.findProcess(process.pid)?.startTime, process.startTime);
    assert.equal(process.startTime, process.startTime);
    assert.equal(typeof process.host, "string");
    assert.notEqual(process.system.runtime, "");
  });

  contract("a process that has ended is dead", async ({ runtime, deadProcess }) => {
    const pid = await deadProcess();
    assert.equal(runtime.process.findProcess(pid), null);
  });

  contract("a process that has ended has no environment", async ({ runtime, deadProcess }) => {
    assert.equal(runtime.process.variableOf(await deadProcess(), "PATH"), undefined);
  });

  contract("what cannot be a process id is dead", ({ runtime: { process } }) => {
    for (const pid of [0, -1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 40]) {
      assert.equal(process.findProcess(pid), null, `${pid}`);
    }
  });

  contract("env gives set variables, and nothing for empty ones", ({ runtime, setEnv }) => {
    const restore = [setEnv("WEAVE_WAL_TEST_SET", "value é"), setEnv("WEAVE_WAL_TEST_EMPTY", "")];
    assert.equal(runtime.process.env("WEAVE_WAL_TEST_SET"), "value é");
    assert.equal(runtime.process.env("WEAVE_WAL_TEST_EMPTY"), undefined);
    assert.equal(runtime.process.env("WEAVE_WAL_TEST_UNSET"), undefined);
    const names = runtime.process.envNames().filter((name) => name.startsWith("WEAVE_WAL_TEST_"));
    assert.deepEqual(names, ["WEAVE_WAL_TEST_SET"]);
    for (const back of restore) back();
    assert.equal(runtime.process.env("WEAVE_WAL_TEST_SET"), undefined);
  });

  contract("the working directory is absolute", ({ runtime }) => {
    assert.match(runtime.process.cwd(), /^(\/|[A-Za-z]:)/);
  });

  contract("exit listeners can be taken away", ({ runtime: { process } }) => {
    process.onExit(() => assert.fail("Called a listener that was taken away"))();
    process.onBeforeExit(() => assert.fail("Called a listener that was taken away"))();
  });
}
