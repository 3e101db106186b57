/**
 * The package's own requests: no op, instrumentation or async context of the program
 * observes them, and none of them causes another.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { root } from "../../support/processes/child_fixture.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

const runtime = detectRuntime().name;
const noTelemetry = ["undici", "http"]
  .map((name) => `@opentelemetry/instrumentation-${name}`)
  .find((name) => !existsSync(join(root, "node_modules", name)))
  ?.concat(" is not installed; run npm install") ??
  (runtime !== "node" && "Node's modules are the ones that this instruments");

/** Runs a program with a mock server, and returns the last line it printed, parsed as JSON. */
async function run(mock: MockServer, main: string, files: Record<string, string> = {}) {
  using project = new UserProject();
  project.copy("weave_wal.mjs");
  if (main.includes("@opentelemetry")) project.link("@opentelemetry");
  for (const [name, text] of Object.entries({ ...files, "main.mjs": main })) {
    project.write(name, text);
  }
  const { code, lines, errors } = await project.run("main.mjs", {
    env: { WF_TRACE_SERVER_URL: mock.url, WEAVE_LOG_LEVEL: "warning", URL: `${mock.url}/health` },
  });
  assert.deepEqual([code, errors], [0, ""]);
  return JSON.parse(lines.at(-1)!);
}

/** Names of the ops of the delivered calls, in order. */
const arrived = (mock: MockServer): string[] =>
  mock.store.calls("team/unseen").map(({ op_name }) => op_name!.split(/[/:]/).at(-2)!).sort();

test("invisible: a traced fetch in place of the host's traces the program's requests only", async () => {
  await using mock = await startMockServer();
  const result = await run(
    mock,
    `
    import process from "node:process";
    import { finish, flush, init, op, publish } from "./weave_wal.mjs";
    globalThis.fetch = op(fetch, { name: "fetch" });
    await init("team/unseen");
    const work = op(async function work() { return (await fetch(process.env.URL)).status; });
    const statuses = [await work(), (await fetch(process.env.URL)).status];
    globalThis.fetch = op(fetch, { name: "fetch" });
    statuses.push((await fetch(process.env.URL)).status);
    await publish({ n: 1 }, "settings");
    for (let i = 0; i < 3; i++) await flush();
    console.log(JSON.stringify({ statuses, done: (await finish()).done }));
    `,
  );
  assert.deepEqual(result, { statuses: [200, 200, 200], done: true });
  assert.deepEqual(arrived(mock), ["fetch", "fetch", "fetch", "fetch", "work"]);
});

test("invisible: ops called by a given fetch or listener create no calls", async () => {
  await using mock = await startMockServer();
  const result = await run(
    mock,
    `
    import { finish, init, op } from "./weave_wal.mjs";
    let sent = 0, heard = 0;
    const log = op(function log(url) { sent++; });
    await init("team/unseen", {
      wal: true,
      fetch: op(async function traced(url, init) { log(url); return await fetch(url, init); }),
      onEvent: op(function listener() { heard++; }),
    });
    op(function work() {})();
    const { done } = await finish();
    console.log(JSON.stringify({ done, sent: sent > 0, heard: heard > 0 }));
    `,
  );
  assert.equal(result.done, true);
  assert.deepEqual([result.sent, result.heard, arrived(mock)], [true, true, ["work"]]);
});

const CONTEXT = `
  import process from "node:process";
  import { AsyncLocalStorage } from "node:async_hooks";
  const user = new AsyncLocalStorage();
  const seen = new Map();
  const see = (url) => {
    const path = new URL(url).pathname;
    seen.set(path, [...new Set([...seen.get(path) ?? [], user.getStore() ?? "none"])]);
  };
  const watched = async (url, init) => { see(url); await null; see(url); return await fetch(url, init); };
`;

test("invisible: requests do not inherit the async context of the calling code", async () => {
  await using mock = await startMockServer();
  const seen = await run(
    mock,
    `
    ${CONTEXT}
    import { Dataset, finish, flush, init, op } from "./weave_wal.mjs";
    const client = await user.run("init", () => init("team/unseen", { fetch: watched, batchRecords: 2 }));
    await user.run("handler", async () => {
      const work = op(async function work() { await null; });
      await Promise.all([work(), work(), work()]);
      const ref = await new Dataset({ name: "rows", rows: [{ n: 1 }] }).save();
      await flush();
      await client.get(ref);
    });
    await user.run("finish", () => finish());
    console.log(JSON.stringify([...seen]));
    `,
  );
  assert.ok(seen.length >= 4, JSON.stringify(seen));
  assert.deepEqual(seen.map(([, stores]: [string, string[]]) => stores), seen.map(() => ["none"]));
});

test(
  "invisible: loaded late, inside a context, the package does not keep that context",
  async () => {
    await using mock = await startMockServer();
    const seen = await run(
      mock,
      `
    ${CONTEXT}
    await user.run("first request", async () => {
      await null;
      const { init } = await import("./weave_wal.mjs");
      await init("team/unseen", { fetch: watched });
    });
    const { finish, op } = await import("./weave_wal.mjs");
    op(function work() {})();
    await finish();
    console.log(JSON.stringify([...seen]));
    `,
    );
    assert.deepEqual(
      seen.map(([, stores]: [string, string[]]) => stores),
      seen.map(() => ["none"]),
    );
  },
  { skip: runtime === "deno" && "Deno has no way out of the context that a module is loaded in" },
);

/** A typical bridge: every span becomes a call. */
const BRIDGE = `
  import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
  import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
  import { registerInstrumentations } from "@opentelemetry/instrumentation";
  import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
  import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
  import { createRequire } from "node:module";
  export const exporter = new InMemorySpanExporter();
  export const bridge = { onSpan: () => {} };
  new NodeTracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor(exporter),
      {
        onStart() {},
        onEnd(span) { bridge.onSpan(span.name); },
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  }).register();
  registerInstrumentations({
    instrumentations: [new UndiciInstrumentation(), new HttpInstrumentation()],
  });
  // A module is instrumented as it is required.
  export const http = createRequire(import.meta.url)("node:http");
`;

for (const order of ["before", "after"]) {
  test(
    `invisible: OpenTelemetry loaded ${order} the package makes no spans of its requests`,
    async () => {
      await using mock = await startMockServer();
      const imports = [
        'import { bridge, exporter, http } from "./telemetry.mjs";',
        'import { finish, flush, init, op } from "./weave_wal.mjs";',
      ];
      const { spans, done } = await run(
        mock,
        `
      import process from "node:process"; // and @opentelemetry
      import { trace } from "@opentelemetry/api";
      ${(order === "before" ? imports : imports.reverse()).join("\n")}
      const client = await init("team/unseen");
      bridge.onSpan = op(function span(name) {});
      await trace.getTracer("app").startActiveSpan("request", async (span) => {
        await op(async function work() {
          await fetch(process.env.URL);
          await new Promise((end) => http.get(process.env.URL, (got) => got.resume().on("end", end)));
        })();
        await flush();
        await client.serverInfo();
        span.end();
      });
      for (let i = 0; i < 3; i++) await flush();
      const done = (await finish()).done;
      console.log(JSON.stringify({
        done,
        spans: exporter.getFinishedSpans().map(({ name, attributes }) =>
          attributes["url.path"] ?? attributes["http.target"] ?? name),
      }));
      `,
        { "telemetry.mjs": BRIDGE },
      );
      assert.deepEqual([done, spans], [true, ["/health", "/health", "request"]]);
      assert.deepEqual(arrived(mock), ["span", "span", "span", "work"]);
      const sent = mock.journal.entries.filter(({ path }) => path !== "/health");
      assert.ok(sent.length > 0);
    },
    { skip: noTelemetry },
  );
}
