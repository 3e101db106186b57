import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { writeExample } from "../support/bundle.ts";
import { test } from "../harness.ts";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** The README's example for this runtime, and its output. */
const EXAMPLES: Record<string, { code: string; calls: number; printed: unknown[] }> = {
  deno: { ...codeOf("Deno"), calls: 1, printed: ["You asked: why?"] },
  bun: { ...codeOf("Bun"), calls: 2, printed: ["why found,so found"] },
  node: { ...codeOf("Node"), calls: 1, printed: ["You asked: why?", "Nothing is pending"] },
};

function codeOf(heading: string): { code: string } {
  const found = new RegExp(`^### ${heading}$[^]*?\`\`\`(?:ts|js) ignore\n([^]*?)\`\`\``, "m");
  const code = found.exec(README)?.[1];
  assert.ok(code, heading);
  return { code };
}

test("docs: the README's example for this runtime runs, and its calls arrive", async () => {
  const { code, calls, printed } = EXAMPLES[detectRuntime().name];
  await using mock = await startMockServer();
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-readme-"));
  const env: Record<string, string> = {
    WANDB_API_KEY: "key",
    WF_TRACE_SERVER_URL: mock.url,
    WEAVE_WAL_DIR: join(directory, "wal"),
    WEAVE_PRINT_CALL_LINK: "false",
  };
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  const path = writeExample(directory, code);
  const { log } = console;
  const output: unknown[] = [];
  try {
    Object.assign(process.env, env);
    console.log = (first) => output.push(Array.isArray(first) ? first.join() : first);
    await import(path);
    // The scope of the Deno example is its module; the runtime may end it only at exit.
    await mock.waitFor((store) => store.finishedCount() === calls);
  } finally {
    console.log = log;
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(directory, { recursive: true, maxRetries: 5 });
  }
  assert.deepEqual(output, printed);
});
