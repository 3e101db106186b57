/**
 * The npm package as users get it: packed, and installed into an empty project.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { join } from "@std/path";
import { publicEntries } from "../../../scripts/build/entries.ts";
import { type Outcome, projectRoot, run } from "../../../scripts/test/process.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { test } from "../../harness.ts";
import { manifest, packed, succeeds } from "../../support/package/package_fixture.ts";

const manifestPath = join(projectRoot, "package.json");
const program = `
import { Dataset, Evaluation, finish, init, op } from "${manifest.name}";

await init("team/packed", { wal: true });
const add = op(function add(a, b) { return a + b; });
const double = op(async function double(a, b) { return 2 * add(a, b); });
const answer = await double(1, 2);
const { done } = await finish({ timeout: 20_000 });
const { name } = new Evaluation({ dataset: new Dataset({ rows: [] }), scorers: [] });
console.log(JSON.stringify({ answer, done, name }));
`;
const typedProgram = `
import { init, op, WeaveWalError, type InitOptions } from "${manifest.name}";
ENTRIES
const options: InitOptions = { wal: true, fsync: "always" };
await using client = await init("team/packed", options);
const add = op(function add(a: number, b: number): number { return a + b; });
const sum: number = add(1, 2);
// A type that the compiler knows refuses this.
const wrong: boolean = !(("x" as string) in new WeaveWalError("ERR_LOG_CLOSED", String(sum)));
void [client, wrong];
`;
/** The same with the official SDK; the code that loads the register step is prepended. */
const sdkProgram = `
(async () => {
  await init("team/official", { printCallLink: false });
  const double = op(function double(n) { return 2 * n; });
  const answer = await double(21);
  const { done, delivered } = await flush({ timeout: 20_000 });
  console.log(JSON.stringify({ answer, done, delivered }));
})();
`;
const sdkImports = `
import { init, op } from "weave";
import { flush } from "${manifest.name}/durable";
`;
const sdkRequires = `
const { init, op } = require("weave");
const { flush } = require("${manifest.name}/durable");
`;
/** Code written for the official SDK, with the import line changed. */
const officialProgram = readFileSync(
  join(projectRoot, "tests/support/package/package_types_program.ts"),
  "utf8",
)
  .replaceAll('from "weave"', `from "${manifest.name}"`);
const compilerOptions = {
  target: "es2022",
  lib: ["es2023", "dom", "dom.iterable", "esnext.disposable"],
  types: [],
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noEmit: true,
};

test("the packed package installs without dependencies, compiles, and traces", async () => {
  const top = mkdtempSync(join(tmpdir(), "weave-wal-package-"));
  try {
    const app = await installed(top);
    assert.deepEqual(readdirSync(join(app, "node_modules", "@weave-wal")), ["client"]);
    assert.deepEqual(
      readdirSync(join(app, "node_modules")).filter((name) => !name.startsWith(".")),
      ["@weave-wal"],
    );
    const inPackage = join(app, "node_modules", manifest.name);
    for (const { javascript, types } of publicEntries()) {
      assert.ok(existsSync(join(inPackage, javascript)), javascript);
      assert.ok(existsSync(join(inPackage, types)), types);
    }
    assert.deepEqual(existsSync(join(inPackage, "src")), false);
    await compiles(app);
    await traces(app);
    await makesDurable(app);
    for (const command of Object.keys(manifest.bin ?? {})) await answers(app, command);
    await asksForPackages(app);
  } finally {
    rmSync(top, { recursive: true });
  }
}, { timeout: 180_000 });

/** Installs the package into an empty project. */
async function installed(top: string): Promise<string> {
  const app = join(top, "app");
  mkdirSync(app);
  const tarball = await packed(top);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  await succeeds("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: app });
  return app;
}

/** The declarations compile in strict mode, without any other types. */
async function compiles(app: string): Promise<void> {
  const imports = publicEntries().map(({ subpath }, index) =>
    `import type * as entry${index} from "${manifest.name}${subpath.slice(1)}";\n` +
    `export type Entry${index} = typeof entry${index};`
  );
  writeFileSync(join(app, "typed.ts"), typedProgram.replace("ENTRIES", imports.join("\n")));
  writeFileSync(join(app, "official.ts"), officialProgram);
  for (const resolution of ["nodenext", "bundler"]) {
    const module = resolution === "nodenext" ? resolution : "esnext";
    const options = { ...compilerOptions, module, moduleResolution: resolution };
    const files = ["typed.ts", "official.ts"];
    writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
    await succeeds("tsc", ["-p", app]);
  }
}

type RuntimeName = "deno" | "bun" | "node";

/** Runs a program of the app's folder on the runtime of this test. */
async function start(
  app: string,
  server: MockServer,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const runners = { deno: ["deno", "run", "-A"], bun: ["bun"], node: ["node"] } as const;
  const [command, ...own] = runners[detectRuntime().name as RuntimeName];
  return await succeeds(command, [...own, ...args], {
    cwd: app,
    env: {
      WF_TRACE_SERVER_URL: server.url,
      WANDB_API_KEY: "key",
      WEAVE_PRINT_CALL_LINK: "false",
      WEAVE_LOG_LEVEL: "ERROR",
      ...env,
    },
  });
}

/** A program with the package delivers its calls. */
async function traces(app: string): Promise<void> {
  writeFileSync(join(app, "program.js"), program);
  await using server = await startMockServer();
  const { output } = await start(app, server, ["program.js"]);
  assert.equal(output.trim(), '{"answer":6,"done":true,"name":"Evaluation"}');
  const calls = [...server.store.project("team/packed").calls.list()];
  const [double, add] = calls.sort((a, b) => a.started_at! < b.started_at! ? -1 : 1);
  assert.deepEqual(calls.map((call) => call.output), [6, 3]);
  assert.equal(add.parent_id, double.id);
  const log = join(app, ".weave", "wal", "team", "packed");
  assert.deepEqual(readdirSync(log).filter((name) => name.endsWith(".jsonl")), []);
}

/** The register step makes the official package durable in every documented form. */
async function makesDurable(app: string): Promise<void> {
  symlinkSync(join(projectRoot, "node_modules/weave"), join(app, "node_modules/weave"));
  // As from a registry: Deno resolves `npm:` imports by these dependencies.
  const dependencies = { [manifest.name]: manifest.version, weave: "*" };
  writeFileSync(join(app, "package.json"), JSON.stringify({ type: "module", dependencies }));
  const register = `${manifest.name}/register`;
  const programs = {
    "official.mjs": sdkImports + sdkProgram,
    "official.cjs": sdkRequires + sdkProgram,
    "official.mts": sdkImports + sdkProgram.replace("(n)", "(n: number): number"),
    "first_line.mjs": `import "${register}";${sdkImports}${sdkProgram}`,
    "first_line.cjs": `require("${register}");${sdkRequires}${sdkProgram}`,
  };
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(app, name), text);
  const preloads = {
    deno: ["--preload", `npm:${register}`],
    bun: ["--preload", register],
    node: ["--import", register],
  };
  const preload = preloads[detectRuntime().name as RuntimeName];
  const onNode = detectRuntime().name === "node";
  // The other two run TypeScript directly.
  const tsx = onNode
    ? ["--import", pathToFileURL(createRequire(manifestPath).resolve("tsx")).href]
    : [];
  const forms = [
    [...preload, "official.mjs"],
    ["first_line.mjs"],
    [...tsx, ...preload, "official.mts"],
  ];
  // Supported by Node 20.19 and later.
  if (!onNode || "require_module" in process.features) {
    forms.push([...preload, "official.cjs"], ["first_line.cjs"]);
  }
  await Promise.all(forms.map(async (form) => {
    await using server = await startMockServer();
    const WEAVE_WAL_DIR = join(app, ".weave", form.at(-1) ?? "");
    const env = { WEAVE_ENABLE_WAL: "true", WEAVE_WAL_DIR };
    const { output } = await start(app, server, form, env);
    // A file, an object, a start and an end.
    const expected = '{"answer":42,"done":true,"delivered":4}';
    assert.equal(output.trim().split("\n").at(-1), expected, form.join(" "));
    assert.doesNotMatch(output, /weave-wal/);
    assert.equal(server.store.finishedCount("team/official"), 1);
    assert.deepEqual(
      server.journal.entries.filter(({ path }) => path === "/call/upsert_batch"),
      [],
      "the SDK sent nothing itself",
    );
  }));
}

/** The package's commands start, print their version, and deliver. */
async function answers(app: string, command: string): Promise<void> {
  const path = join(app, "node_modules", ".bin", command);
  const { output } = await succeeds(path, ["--version"], { cwd: app });
  assert.equal(output.trim(), manifest.version);
  const demo = await succeeds(path, ["demo", "--runtime", detectRuntime().name], { cwd: app });
  assert.match(demo.output, /answerQuestion “/);
  assert.doesNotMatch(demo.output, /\b(?:[a-z]+[A-Z]\w*|tokenize|rank)\d+ /, "names of a bundler");
}

/** Without the packages of NATS, `--log nats://` says what to install; with them, it connects. */
async function asksForPackages(app: string): Promise<void> {
  const path = join(app, "node_modules", ".bin", "weave-wal");
  const names = "@nats-io/transport-node @nats-io/jetstream @nats-io/kv";
  for (const command of ["relay", "flush", "status", "ui"]) {
    const args = [
      command,
      "--log",
      "nats://127.0.0.1:9",
      ...command === "relay" ? ["--spool=off"] : [],
    ];
    const { status, output } = await run(path, args, { cwd: app, env: { WANDB_API_KEY: "key" } });
    assert.equal(status, 2, output);
    assert.ok(output.includes(`its packages are missing; run: npm install ${names}`), output);
  }
  symlinkSync(join(projectRoot, "node_modules/@nats-io"), join(app, "node_modules/@nats-io"));
  const { status, output } = await run(path, ["status", "--log", "nats://127.0.0.1:9"], {
    cwd: app,
  });
  assert.equal(status, 3, output);
  assert.match(output, /Cannot use the log: Cannot connect to 127\.0\.0\.1:9/);
}
