/**
 * The set-ups in docs/opentelemetry.md, each with the packages listed there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../scripts/test/process.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { frameworks, makeApp } from "../support/frameworks/install.ts";
import { succeeds } from "../support/package/package_fixture.ts";
import { ownRuntime } from "../support/processes/child_fixture.ts";

const PAGE = readFileSync(join(projectRoot, "docs/opentelemetry.md"), "utf8");
const PROGRAMS = join(projectRoot, "tests/support/otel/frameworks");
const RUNNERS = { node: ["node"], bun: ["bun"], deno: ["deno", "run", "-A"] } as const;

const installed = await frameworks("otel/frameworks");
const skip = "missing" in installed && installed.missing;

/** The JavaScript block below a heading of the page. */
function setUp(heading: string): string {
  const [, section] = PAGE.split(`\n### ${heading}\n`);
  const [, code] = /```js\n([^]*?)```/.exec(section ?? "") ?? [];
  assert.ok(code, `docs/opentelemetry.md has no set-up below ${heading}`);
  assert.ok(
    code.split("\n").filter((line) => line !== "" && !line.startsWith("import")).length <= 5,
    `the set-up of ${heading} has over five lines`,
  );
  return code;
}

/**
 * Runs the program of a framework, and returns the names of the delivered spans; roots
 * are prefixed with `/`.
 */
async function spansOf(heading: string, program: string): Promise<string[]> {
  await using mock = await startMockServer();
  using app = await makeApp((installed as { directory: string }).directory);
  cpSync(PROGRAMS, app.directory, {
    recursive: true,
    filter: (path) => !path.endsWith(".json"),
  });
  writeFileSync(join(app.directory, "instrumentation.mjs"), setUp("Node, Deno and Bun"));
  writeFileSync(join(app.directory, "setup.mjs"), setUp(heading));
  const [command, ...args] = RUNNERS[ownRuntime];
  await succeeds(command, [...args, program], {
    cwd: app.directory,
    limitMs: 120_000,
    env: {
      WF_TRACE_SERVER_URL: mock.url,
      WANDB_API_KEY: "any-key",
      WEAVE_WAL_DIR: join(app.directory, "wal"),
      MASTRA_TELEMETRY_DISABLED: "1",
    },
  });
  const spans = mock.store.spans("team/project");
  const ids = new Set(spans.map(({ spanId }) => spanId));
  for (const { name, parentSpanId } of spans) {
    assert.ok(parentSpanId === "" || ids.has(parentSpanId), `the parent of ${name} is missing`);
  }
  return spans.map(({ name, parentSpanId }) => (parentSpanId === "" ? "/" : "") + name).sort();
}

const FRAMEWORKS: [heading: string, program: string, spans: string[]][] = [
  ["Node, Deno and Bun", "plain.mjs", ["/answer", "search"]],
  ["Vercel AI SDK", "ai.mjs", ["/invoke_agent mock-model-id", "chat mock-model-id", "step 1"]],
  ["Mastra", "mastra.mjs", [
    "/invoke_agent geography",
    "agent_step geography",
    "chat mock-model-id",
    "model_chunk geography",
    "model_generation mock-model-id",
  ]],
  ["OpenAI with OpenInference", "openai.mjs", ["/OpenAI Chat Completions"]],
  ["LangChain.js with OpenInference", "langchain.mjs", [
    "/RunnableSequence",
    "FakeListChatModel",
    "PromptTemplate",
  ]],
];

for (const [heading, program, spans] of FRAMEWORKS) {
  test(`otel: the set-up for ${heading} records its spans`, async () => {
    assert.deepEqual(await spansOf(heading, program), spans);
  }, { skip, timeout: 200_000 });
}
