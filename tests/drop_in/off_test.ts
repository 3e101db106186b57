/**
 * Without its variable, the register step changes nothing; with it, it does not load the
 * SDK.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { ownRuntime, root } from "../support/processes/child_fixture.ts";
import { test } from "../harness.ts";
import { type ProgramOptions, SdkProject } from "../support/drop_in/register_fixture.ts";

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

test("register: nothing happens if the log is off", async () => {
  const bare = await inspect({ preload: false, env: { WEAVE_ENABLE_WAL: "true" } });
  assert.ok(bare.native);
  for (const WEAVE_ENABLE_WAL of ["", "false", "0"]) {
    assert.deepEqual(await inspect({ env: { WEAVE_ENABLE_WAL } }), bare);
  }
});

test("register: if the log is on, the SDK is not loaded before the program asks for it", async () => {
  const bare = await inspect({ preload: false });
  const on = await inspect({ env: { WEAVE_ENABLE_WAL: "true" } });
  assert.notEqual(on.require, bare.require);
  assert.deepEqual(on.sdk, []);
  // Before there is a log, nothing keeps the program alive or is called at its exit.
  assert.deepEqual(on.listeners, bare.listeners);
});

test("register: an invalid variable or setting is reported, and the SDK works without the log", async () => {
  const env = { WEAVE_ENABLE_WAL: "perhaps" };
  const unclear = await inspect({ env });
  assert.ok(unclear.native);
  assert.match(unclear.errors, /Cannot make weave durable: .*WEAVE_ENABLE_WAL: "perhaps"/);
  const wrong = await inspect({ env: { WEAVE_ENABLE_WAL: "true", WEAVE_HTTP_TIMEOUT: "soon" } });
  assert.ok(wrong.native);
  assert.match(wrong.errors, /Cannot make weave durable: .*WEAVE_HTTP_TIMEOUT: "soon"/);
});

test("register: a misspelled variable is reported, even if it leaves the log off", async () => {
  const { native, errors } = await inspect({ env: { WEAVE_ENABLED_WAL: "true" } });
  assert.ok(native);
  assert.equal(
    errors,
    "weave-wal: Ignored the environment variable WEAVE_ENABLED_WAL: it is not a setting; did you " +
      "mean WEAVE_ENABLE_WAL?\n",
  );
});

test("register: it logs the log, the project and the server once", async () => {
  using project = new SdkProject();
  const env = { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: "http://127.0.0.1:9" };
  const { errors } = await project.run("plain.cjs", { env });
  const logged = [...errors.matchAll(/^weave-wal: team\/plain: log on; (.*)$/gm)].map(([, what]) =>
    what
  );
  assert.deepEqual(logged, [
    `records are written to ${project.walDir}/team/plain and sent to http://127.0.0.1:9`,
  ]);
});

test("register: the entry works from its source", async () => {
  using project = new SdkProject();
  const entry = join(root, "src/drop_in/register.ts");
  const flags: Record<string, string[]> = {
    deno: ["run", "-A", "--no-check", "--preload", entry],
    bun: ["--preload", entry],
    node: ["--import", "tsx", "--import", entry],
  };
  const program = join(root, "tests/support/drop_in/programs/plain.cjs");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags[ownRuntime], program],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        WANDB_API_KEY: "k".repeat(40),
        WEAVE_ENABLE_WAL: "true",
        WEAVE_DISABLE_WAL_SENDER: "true",
        WEAVE_WAL_DIR: project.walDir,
      },
    },
  );
  assert.match(stdout, /result 42/);
  const [file] = readdirSync(join(project.walDir, "team/plain"))
    .filter((name) => name.endsWith(".jsonl"));
  const text = readFileSync(join(project.walDir, "team/plain", file), "utf8");
  assert.match(text, /^\{"type":"call_end","req":\{"end":\{"project_id":"team\/plain","id":"/m);
});
