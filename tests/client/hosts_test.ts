import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { finish } from "../../mod.ts";
import { globalClient } from "../../src/client/global_client.ts";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import type { Any } from "../support/client/client_fixture.ts";
import { writeExample } from "../support/bundle.ts";
import { test } from "../harness.ts";

const PAGE = new URL("../../docs/serverless.md", import.meta.url);
const EXAMPLES = [
  ...readFileSync(PAGE, "utf8").matchAll(/^## (.*)$[^]*?```ts ignore\n([^]*?)```/gm),
]
  .map(([, title, code]) => ({ title, code }));

/** Runs the example under a heading of docs/serverless.md and passes on its exports. */
async function example(title: RegExp, use: (module: Any, mock: MockServer) => Promise<void>) {
  const found = EXAMPLES.find((one) => title.test(one.title));
  assert.ok(found, `${title}`);
  await using mock = await startMockServer();
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-example-"));
  const env: Record<string, string> = {
    WANDB_API_KEY: "key",
    WF_TRACE_SERVER_URL: mock.url,
    WEAVE_WAL_DIR: join(directory, "wal"),
    WEAVE_PRINT_CALL_LINK: "false",
    WEAVE_HTTP_TIMEOUT: "1",
  };
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  const path = writeExample(directory, found.code);
  try {
    Object.assign(process.env, env);
    await use(await import(path), mock);
    if (globalClient()) await finish();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(directory, { recursive: true });
  }
}

test("hosts: the script from the documentation leaves nothing unsent at the end of its scope", async () => {
  const { log } = console;
  const printed: unknown[] = [];
  console.log = (line) => printed.push(line);
  try {
    await example(/script/, async (_module, mock) => {
      // The example's scope is its module; the runtime may end it only at exit.
      await mock.waitFor((store) => store.finishedCount() === 1);
    });
  } finally {
    console.log = log;
  }
  assert.deepEqual(printed, ["…"]);
});

test("hosts: the handler from the documentation has sent its call when it returns, within its deadline", async () => {
  await example(/Lambda/, async ({ handler }, mock) => {
    const context = { getRemainingTimeInMillis: () => 20_000 };
    assert.equal(await handler({ question: "why" }, context), "You asked: why");
    assert.equal(mock.store.finishedCount(), 1);
    mock.faults.add({ hang: true });
    const late = { getRemainingTimeInMillis: () => 510 };
    assert.equal(await handler({ question: "how" }, late), "You asked: how");
    assert.equal(mock.store.finishedCount(), 1, "the host was not held up by a server that hangs");
    mock.faults.clear();
  });
});

test("hosts: the worker from the documentation answers first and sends within waitUntil", async () => {
  await example(/waitUntil/, async ({ default: worker }, mock) => {
    const waits: Promise<unknown>[] = [];
    const context = { waitUntil: (work: Promise<unknown>) => waits.push(work) };
    const request = new Request("http://example.com/a");
    const env = { WANDB_API_KEY: "key" };
    const answers = [
      await worker.fetch(request, env, context),
      await worker.fetch(request, env, context),
    ];
    assert.equal(await answers[1].text(), "You asked for http://example.com/a");
    await answers[0].body?.cancel();
    assert.equal(waits.length, 2);
    await Promise.all(waits);
    assert.equal(mock.store.finishedCount(), 2);
  });
});
