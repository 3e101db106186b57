/**
 * The packed package in two bundles: one that opens the client, and one with the ops.
 *
 * @module
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { projectRoot } from "../../scripts/test/process.ts";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { ownRuntime } from "../support/processes/child_fixture.ts";
import { frameworks, makeApp } from "../support/frameworks/install.ts";
import { succeeds } from "../support/package/package_fixture.ts";
import { test } from "../harness.ts";

const FILES: Readonly<Record<string, string>> = {
  "package.json": '{ "private": true, "type": "module" }',
  "opens.js": `
    import { finish, flush, init, isOp } from "@weave-wal/client";
    export { flush, isOp };
    export const open = () => init("team/bundles", { globalAttributes: { built: true } });
    export const close = () => finish({ timeout: 20000 });`,
  "traces.js": `
    import { Dataset, op, StringPrompt, WeaveObject, WeaveWalError } from "@weave-wal/client";
    class Model extends WeaveObject {
      constructor() { super({ name: "model" }); this.size = 7; }
    }
    export { WeaveWalError };
    const leaf = op(async function leaf(given) { return given.n; }, { name: "leaf" });
    export const work = op(async (n) => {
      const dataset = new Dataset({ name: "rows", rows: [{ n }] });
      await dataset.save();
      return await leaf({ n, dataset, model: new Model(), prompt: new StringPrompt({ name: "p", content: "c" }) });
    }, { name: "work" });`,
};

const MAIN = `
  const run = async ({ open, close, flush, isOp }, { work, WeaveWalError }) => {
    await open();
    const result = await work(1);
    const { done } = await flush();
    const found = { result, done, op: isOp(work), closed: (await close()).done };
    found.named = await flush().catch((error) => error instanceof WeaveWalError);
    console.log(JSON.stringify(found));
  };`;

/** Checks a program's output and the delivered calls. */
function check(mock: MockServer, output: string): void {
  const lines = output.trim().split("\n");
  assert.deepEqual(JSON.parse(lines.at(-1)!), {
    result: 1,
    done: true,
    op: true,
    closed: true,
    named: true,
  }, output);
  assert.equal(lines.length, 1, output);
  const calls = mock.store.calls("team/bundles");
  const named = (name: string) => calls.find(({ op_name }) => op_name!.includes(`/op/${name}:`))!;
  assert.equal(calls.length, 2);
  assert.equal(named("leaf").parent_id, named("work").id);
  assert.equal(named("leaf").attributes.built, true);
  const { objects } = mock.store.project("team/bundles");
  // Minifiers rename classes; those of the package must keep their names at the server.
  const typeOf = (name: string) => (objects.get(name)!.at(-1)!.val as { _type: string })._type;
  assert.deepEqual([typeOf("rows"), typeOf("p")], ["Dataset", "StringPrompt"]);
  const { _bases } = objects.get("model")!.at(-1)!.val as { _bases: string[] };
  assert.deepEqual(_bases, ["Object", "BaseModel"]);
}

const RUN: Record<typeof ownRuntime, string[]> = {
  deno: ["deno", "run", "-A"],
  bun: ["bun"],
  node: ["node"],
};

const env = (mock: MockServer) => ({
  WANDB_API_KEY: "key",
  WEAVE_ENABLE_WAL: "true",
  WEAVE_LOG_LEVEL: "warning",
  WF_TRACE_SERVER_URL: mock.url,
});

/** Builds `opens.cjs` and `traces.cjs` in a folder, by bundler. */
const BUNDLERS: Readonly<Record<string, (app: string, installed: string) => Promise<unknown>>> = {
  esbuild: async (app) => {
    const command = join(projectRoot, "node_modules/.bin/esbuild");
    await succeeds(command, [
      ...["opens.js", "traces.js", "--bundle", "--minify", "--platform=node", "--format=cjs"],
      ...["--outdir=.", "--out-extension:.js=.cjs", "--log-level=error"],
    ], { cwd: app });
  },
  webpack: async (app, installed) => {
    writeFileSync(
      join(app, "build.cjs"),
      `
      const webpack = require(${JSON.stringify(join(installed, "node_modules/webpack"))});
      webpack({
        context: __dirname,
        mode: "production",
        target: "node",
        entry: { opens: "./opens.js", traces: "./traces.js" },
        output: { path: __dirname, filename: "[name].cjs", library: { type: "commonjs2" } },
      }, (error, stats) => {
        if (error || stats.hasErrors()) {
          console.error(error ?? stats.toString());
          process.exit(1);
        }
      });`,
    );
    await succeeds("node", ["build.cjs"], { cwd: app });
  },
  "bun build": async (app) => {
    const command = join(projectRoot, "node_modules/.bin/bun");
    for (const name of ["opens", "traces"]) {
      await succeeds(command, [
        ...["build", `${name}.js`, "--minify", "--target=node", "--format=cjs"],
        `--outfile=${name}.cjs`,
      ], { cwd: app });
    }
  },
};

const installed = await frameworks();
const skip = "missing" in installed && installed.missing;

for (const [bundler, build] of Object.entries(BUNDLERS)) {
  test(`bundlers: two minified bundles of ${bundler} share one client`, async () => {
    assert.ok("directory" in installed);
    using app = await makeApp(installed.directory);
    await using mock = await startMockServer();
    for (const [name, text] of Object.entries(FILES)) {
      writeFileSync(join(app.directory, name), text);
    }
    await build(app.directory, installed.directory);
    const main = `${MAIN}\nrun(require("./opens.cjs"), require("./traces.cjs"));`;
    writeFileSync(join(app.directory, "main.cjs"), main);
    const [command, ...args] = RUN[ownRuntime];
    const { output } = await succeeds(command, [...args, "main.cjs"], {
      cwd: app.directory,
      env: env(mock),
    });
    check(mock, output);
  }, { timeout: 120_000, skip });
}

test("bundlers: an executable built by bun build --compile traces like its source", async () => {
  assert.ok("directory" in installed);
  using app = await makeApp(installed.directory);
  await using mock = await startMockServer();
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(app.directory, name), text);
  const main = `
    import * as opens from "./opens.js";
    import * as traces from "./traces.js";
    ${MAIN}
    await run(opens, traces);`;
  writeFileSync(join(app.directory, "main.js"), main);
  await succeeds(process.execPath, ["build", "--compile", "--minify", "main.js", "--outfile=app"], {
    cwd: app.directory,
  });
  const { output } = await succeeds(join(app.directory, "app"), [], {
    cwd: app.directory,
    env: env(mock),
  });
  check(mock, output);
}, { timeout: 120_000, skip: ownRuntime === "bun" ? skip : "Bun makes these executables" });
