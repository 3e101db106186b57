/**
 * The programs in examples/, each run as a reader would run it, with the mock server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { join } from "@std/path";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { bundled, transpile } from "../support/bundle.ts";
import {
  projectPath,
  type Running,
  startCli,
  startProcess,
  startProgram,
  type Surroundings,
  temporary,
} from "../support/cli/cli_support.ts";

const runtime = detectRuntime().name;
const only = (name: string): string | false => runtime === name ? false : `an example for ${name}`;
const PROJECT = "team/examples";

interface Place {
  readonly mock: MockServer;
  readonly path: string;
  readonly surroundings: Surroundings;
}

/** Runs `body` with a mock server and an empty working directory. */
async function withPlace(body: (place: Place) => Promise<void>): Promise<void> {
  await using mock = await startMockServer();
  await using directory = await temporary();
  const env = {
    WF_TRACE_SERVER_URL: mock.url,
    WANDB_API_KEY: "any-key",
    WEAVE_PRINT_CALL_LINK: "false",
  };
  await body({ mock, path: directory.path, surroundings: { cwd: directory.path, env } });
}

async function succeeds(program: Running): Promise<string> {
  const { code, out, err } = await program.ended;
  assert.equal(code, 0, out + err);
  return out;
}

/** Ops of the finished calls, with the number of calls of each. */
function finishedOps(mock: MockServer, project = PROJECT): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op_name, ended_at } of mock.store.project(project).calls.list()) {
    if (ended_at === null) continue;
    const name = /\/op\/(?:\w+\.)?(\w+):/.exec(op_name ?? "")?.[1] ?? "?";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/**
 * Copies an example, if given, and makes `import "@weave-wal/client"` work there on every
 * runtime.
 */
function install(example: string | null, directory: string): void {
  if (example !== null) cpSync(projectPath(`examples/${example}`), directory, { recursive: true });
  const folder = "node_modules/@weave-wal/client";
  mkdirSync(join(directory, folder), { recursive: true });
  cpSync(bundled("mod.ts"), join(directory, folder, "mod.mjs"));
  const write = (path: string, content: unknown) =>
    writeFileSync(join(directory, path), JSON.stringify(content));
  write(`${folder}/package.json`, { exports: "./mod.mjs" });
  write("deno.json", { imports: { "@weave-wal/client": `./${folder}/mod.mjs` } });
}

test("examples: the script on Deno", () =>
  withPlace(async ({ mock, path, surroundings }) => {
    writeFileSync(join(path, "a.txt"), "three words here");
    writeFileSync(join(path, "b.txt"), "one");
    install("deno", path);
    const permissions = ["--allow-net", "--allow-env", "--allow-read", "--allow-write"];
    const out = await succeeds(startProcess(process.execPath, [
      ...["run", "--no-check", ...permissions, join(path, "main.ts")],
      ...["a.txt", "b.txt"],
    ], surroundings));
    assert.equal(out, "a.txt: 3 words\nb.txt: 1 words\n");
    assert.deepEqual(finishedOps(mock), { summarize: 2, countWords: 2 });
  }), { skip: only("deno") });

test(
  "examples: the service on Bun delivers what is pending at SIGTERM",
  () =>
    withPlace(async ({ mock, surroundings }) => {
      const env = { ...surroundings.env, PORT: "0" };
      const server = startProgram("examples/bun/server.ts", [], { ...surroundings, env });
      await server.sees("Listening on ");
      const [, url] = /Listening on (\S+)/.exec(server.out())!;
      const response = await fetch(`${url}?q=why+so`);
      assert.deepEqual(await response.json(), ["why: found", "so: found"]);
      server.kill("SIGTERM");
      assert.match(await succeeds(server), /Nothing is pending\n$/);
      assert.deepEqual(finishedOps(mock), { answer: 1, search: 1 });
    }),
  { skip: only("bun") },
);

test(
  "examples: the pool of worker threads on Node",
  () =>
    withPlace(async ({ mock, path, surroundings }) => {
      install("node", path);
      const out = await succeeds(
        startProcess(process.execPath, [join(path, "main.mjs")], surroundings),
      );
      assert.equal(out.trim().split("\n").length, 12);
      assert.deepEqual(finishedOps(mock), { solve: 12 });
    }),
  { skip: only("node"), timeout: 60_000 },
);

test(
  "examples: the evaluation compares two models",
  () =>
    withPlace(async ({ mock, path, surroundings }) => {
      install("evaluation", path);
      const command = runtime === "deno" ? ["run", "-A", "--no-check"] : [];
      const program = startProcess(
        process.execPath,
        [...command, join(path, "main.mjs")],
        surroundings,
      );
      assert.equal(
        await succeeds(program),
        "findsPraise: 3 of 4 correct\nfindsNegation: 4 of 4 correct\n",
      );
      const finished = {
        evaluate: 2,
        predictAndScore: 8,
        findsPraise: 4,
        findsNegation: 4,
        correct: 8,
      };
      assert.deepEqual(finishedOps(mock), finished);
    }),
  { timeout: 60_000 },
);

test("examples: the handler has delivered its call when it returns", () =>
  withPlace(async ({ mock, path, surroundings }) => {
    const handler = JSON.stringify(bundled("examples/lambda/handler.ts"));
    const driver = join(path, "driver.mjs");
    writeFileSync(
      driver,
      `const { handler } = await import(${handler});
       const context = { getRemainingTimeInMillis: () => 10_000 };
       console.log(await handler({ question: "why?" }, context));
       process.exit(0);`,
    );
    const options = runtime === "deno" ? ["run", "-A"] : [];
    const out = await succeeds(startProcess(process.execPath, [...options, driver], surroundings));
    assert.equal(out, "You asked: why?\n");
    assert.deepEqual(finishedOps(mock), { answer: 1 });
  }));

test("examples: the program of the getting-started page", () =>
  withPlace(async ({ mock, path, surroundings }) => {
    install(null, path);
    const page = readFileSync(projectPath("docs/getting-started.md"), "utf8");
    // As .mts it is a module whatever package.json says: it has top-level await.
    const [, code] = /```ts ignore\n\/\/ main\.mts\n([^]*?)```/.exec(page)!;
    writeFileSync(join(path, "main.mts"), code);
    transpile(join(path, "main.mts"), join(path, "main.mjs"));
    const env = { ...surroundings.env, WEAVE_ENABLE_WAL: "true" };
    const options = runtime === "deno" ? ["run", "-A"] : [];
    const program = () =>
      succeeds(startProcess(process.execPath, [...options, join(path, "main.mjs")], {
        ...surroundings,
        env,
      }));
    assert.match(await program(), /\n8 records delivered, 0 pending\n$/);
    assert.deepEqual(finishedOps(mock, "team/project"), { answer: 1, summarize: 1 });
    const down = mock.faults.add({ status: 503 });
    assert.match(await program(), /\n0 records delivered, 8 pending\n$/);
    down.remove();
    await succeeds(startCli(["flush"], surroundings));
    assert.deepEqual(finishedOps(mock, "team/project"), { answer: 2, summarize: 2 });
  }));

test("examples: a sidecar delivers for a program that only writes", () =>
  withPlace(async ({ mock, path, surroundings }) => {
    install("sidecar", path);
    const env = {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_DISABLE_WAL_SENDER: "true",
      WEAVE_PRINT_CALL_LINK: "false",
      WF_TRACE_SERVER_URL: mock.url,
    };
    const options = runtime === "deno" ? ["run", "-A"] : [];
    const program = [...options, join(path, "writer.mjs")];
    const writer = startProcess(process.execPath, program, { ...surroundings, env });
    assert.equal(
      await succeeds(writer),
      "0\n1\n4\n9\n16\n12 records for the sidecar (sender-off)\n",
    );
    assert.deepEqual(finishedOps(mock), {});
    const sidecar = startCli(["flush", "--follow"], surroundings);
    await mock.waitFor((store) => store.finishedCount(PROJECT) === 5);
    sidecar.kill("SIGTERM");
    await succeeds(sidecar);
    assert.deepEqual(finishedOps(mock), { work: 5 });
  }));
