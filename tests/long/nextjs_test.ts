/**
 * The Next.js example, built and started as a reader would do it, with the mock server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { join } from "@std/path";
import { run } from "../../scripts/test/process.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { projectPath, startProcess } from "../support/cli/cli_support.ts";
import { packed, succeeds } from "../support/package/package_fixture.ts";

/** The test needs the registry; without it, the test is skipped. */
async function reasonToSkip(): Promise<string | false> {
  if (detectRuntime().name !== "node") return "Next.js runs on Node";
  const { status } = await run("npm", ["ping"], { limitMs: 20_000 });
  return status === 0 ? false : "the npm registry cannot be reached";
}

/** Copies the example and installs it with the package as published. */
async function install(top: string): Promise<string> {
  const app = join(top, "app");
  mkdirSync(app);
  cpSync(projectPath("examples/nextjs"), app, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(app, "package.json"), "utf8"));
  manifest.dependencies["@weave-wal/client"] = `file:${await packed(top)}`;
  writeFileSync(join(app, "package.json"), JSON.stringify(manifest));
  await succeeds("npm", ["install", "--no-audit", "--no-fund"], { cwd: app, limitMs: 120_000 });
  return app;
}

test(
  "examples: a Next.js app whose op is in a route and whose init is in instrumentation",
  async () => {
    const top = mkdtempSync(join(tmpdir(), "weave-wal-next-"));
    await using mock = await startMockServer();
    const env = {
      NEXT_TELEMETRY_DISABLED: "1",
      WF_TRACE_SERVER_URL: mock.url,
      WANDB_API_KEY: "any-key",
      WEAVE_PRINT_CALL_LINK: "false",
      WEAVE_WAL_DIR: join(top, "wal"),
    };
    try {
      const app = await install(top);
      const next = join(app, "node_modules/next/dist/bin/next");
      await succeeds("node", [next, "build"], { cwd: app, env, limitMs: 120_000 });
      const server = startProcess(process.execPath, [next, "start", "--port", "0"], {
        cwd: app,
        env,
      });
      await server.sees("Ready in");
      const [, url] = /Local: +(http:\S+)/.exec(server.out())!;
      const response = await fetch(`${url}/ask?q=why+so`);
      assert.deepEqual(await response.json(), ["why: found", "so: found"]);
      await mock.waitFor((store) => store.finishedCount("team/examples") === 2);
      server.kill("SIGTERM");
      await server.ended;
      const calls = [...mock.store.project("team/examples").calls.list()];
      const named = (name: string) =>
        calls.find(({ op_name }) => op_name?.includes(`/op/${name}:`));
      assert.equal(named("search")?.parent_id, named("answer")?.id);
      assert.ok(named("answer")?.id);
    } finally {
      rmSync(top, { recursive: true, force: true });
    }
  },
  { timeout: 280_000, skip: await reasonToSkip() },
);
