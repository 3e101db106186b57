/**
 * Without its variable the register step changes nothing; with it, it loads nothing of the SDK.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "./harness.ts";
import { type ProgramOptions, SdkProject } from "./register_fixture.ts";

interface Inspected {
  native: boolean;
  require: string;
  sdk: string[];
  listeners: number[];
}

async function inspect(options: ProgramOptions): Promise<Inspected & { errors: string }> {
  using project = new SdkProject();
  const { code, lines, errors } = await project.run("inspect.mjs", options);
  assert.equal(code, 0, errors);
  assert.ok(!existsSync(project.walDir));
  return { ...JSON.parse(lines[0]), errors };
}

test("register: nothing at all happens where the log is off", async () => {
  const bare = await inspect({ preload: false, env: { WEAVE_ENABLE_WAL: "true" } });
  assert.ok(bare.native);
  for (const WEAVE_ENABLE_WAL of ["", "false", "0"]) {
    assert.deepEqual(await inspect({ env: { WEAVE_ENABLE_WAL } }), bare);
  }
});

test("register: where the log is on, the SDK is not loaded before the program asks for it", async () => {
  const bare = await inspect({ preload: false });
  const on = await inspect({ env: { WEAVE_ENABLE_WAL: "true" } });
  assert.notEqual(on.require, bare.require);
  assert.deepEqual(on.sdk, []);
  // Nothing that could keep the program, or be called at its end, before there is a log.
  assert.deepEqual(on.listeners, bare.listeners);
});

test("register: a variable or setting that cannot be used is said, and the SDK goes on alone", async () => {
  const env = { WEAVE_ENABLE_WAL: "perhaps" };
  const unclear = await inspect({ env });
  assert.ok(unclear.native);
  assert.match(unclear.errors, /Cannot make weave durable: .*WEAVE_ENABLE_WAL: "perhaps"/);
  const wrong = await inspect({ env: { WEAVE_ENABLE_WAL: "true", WEAVE_HTTP_TIMEOUT: "soon" } });
  assert.ok(wrong.native);
  assert.match(wrong.errors, /Cannot make weave durable: .*WEAVE_HTTP_TIMEOUT: "soon"/);
});
