/**
 * A Next.js app whose client is opened in `instrumentation.js`, with ops in routes, in a
 * page, and in a module shared by both. Next.js bundles each of them separately.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { freePorts } from "../network/free_ports.ts";
import { frameworks, makeApp } from "./install.ts";

const FILES: Readonly<Record<string, string>> = {
  "package.json": '{ "private": true }',
  "instrumentation.js": `
    export async function register() {
      if (process.env.NEXT_RUNTIME !== "nodejs") return;
      const { init } = await import("@weave-wal/client");
      await init("team/next");
    }`,
  "lib/leaf.js": `
    import { op } from "@weave-wal/client";
    export const leaf = op(async function leaf(from) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return from;
    }, { name: "leaf" });`,
  "app/layout.js": `
    export default function Layout({ children }) {
      return <html><body>{children}</body></html>;
    }`,
  "app/page.js": `
    import { op } from "@weave-wal/client";
    import { leaf } from "../lib/leaf.js";
    export const dynamic = "force-dynamic";
    const page = op(async function page() { return await leaf("page"); }, { name: "page" });
    export default async function Page() { return <p>{await page()}</p>; }`,
  "app/api/one/route.js": `
    import { init, op } from "@weave-wal/client";
    import { leaf } from "../../../lib/leaf.js";
    const one = op(async function one() {
      await init("team/next");
      return await leaf("one");
    }, { name: "one" });
    export async function GET() { return Response.json(await one()); }
    export const dynamic = "force-dynamic";`,
  "app/api/done/route.js": `
    import { flush } from "@weave-wal/client";
    export async function GET() { return Response.json((await flush({ timeout: 20000 })).done); }
    export const dynamic = "force-dynamic";`,
};

/** Installation of Next.js, or why it cannot be tested here. */
const installed = detectRuntime().name === "node"
  ? await frameworks()
  : { missing: "Next.js runs on Node" };

/** Why the tests of Next.js are skipped; `false` if they can run. */
export const noNext: string | false = "missing" in installed && installed.missing;

/** Builds and starts an app, requests its routes, and checks that the traces are complete. */
export async function checkNext(config: string): Promise<void> {
  assert.ok("directory" in installed);
  using app = await makeApp(installed.directory);
  await using mock = await startMockServer();
  for (const [name, text] of Object.entries({ ...FILES, "next.config.mjs": config })) {
    const path = join(app.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const build = next(app.directory, mock, ["build"]);
  assert.equal(await build.code, 0, build.output());
  const [port] = await freePorts(1);
  const server = next(app.directory, mock, ["start", "-p", String(port)]);
  try {
    await server.printed(/Ready in/);
    const get = async (path: string) =>
      await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    assert.match(await get("/"), /page/);
    for (let i = 0; i < 3; i++) assert.equal(await get("/api/one"), '"one"');
    assert.equal(await get("/api/done"), "true");
  } finally {
    process.kill(server.pid, "SIGTERM");
    await server.code;
  }
  const calls = mock.store.calls("team/next");
  const named = (name: string) => calls.filter(({ op_name }) => op_name!.includes(`/op/${name}:`));
  assert.deepEqual([named("page").length, named("one").length, named("leaf").length], [1, 3, 4]);
  const roots = new Map([...named("page"), ...named("one")].map((call) => [call.id, call]));
  for (const leaf of named("leaf")) {
    const parent = roots.get(leaf.parent_id!);
    assert.ok(parent, `a leaf of ${leaf.output} has no parent`);
    assert.equal(leaf.trace_id, parent.trace_id);
    assert.equal(parent.output, leaf.output);
  }
  assert.doesNotMatch(server.output(), /MaxListeners|is open already|cannot share|Cannot/);
  const log = join(app.directory, ".weave/wal/team/next");
  assert.deepEqual(readdirSync(log).filter((name) => name.endsWith(".jsonl")).length <= 1, true);
}

/** Runs the command of Next.js in an app. */
function next(directory: string, mock: MockServer, args: readonly string[]) {
  const command = join(directory, "../node_modules/next/dist/bin/next");
  const child = spawn(process.execPath, [command, ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: directory,
      NODE_ENV: "production",
      NEXT_TELEMETRY_DISABLED: "1",
      WANDB_API_KEY: "key",
      WEAVE_ENABLE_WAL: "true",
      WEAVE_PRINT_CALL_LINK: "false",
      WF_TRACE_SERVER_URL: mock.url,
    },
  });
  let output = "";
  const looks = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const look of looks) look();
    });
  }
  const code = once(child, "close").then(([status]) => {
    for (const look of looks) look();
    return status as number | null;
  });
  return {
    pid: child.pid!,
    code,
    output: () => output,
    printed: (pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(output)) resolve();
          else if (child.exitCode !== null) reject(new Error(output));
        };
        looks.add(look);
        look();
      }),
  };
}
