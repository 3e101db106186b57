/**
 * The servers to which keys are sent: servers that count requests, and a library and a
 * command that are started in another user's folder.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "@std/path";
import { openClient } from "../../../src/client/open_client.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { cliProcess, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const KEY = "a-secret-key-0123456789";
const NAME = "acme/chat";
const SLOW = { timeout: 120_000 };

/** A server that answers everything with one status, and the requests it received. */
async function startServer(
  status: number,
  headers: Record<string, string> = {},
): Promise<{ url: string; requests: string[]; keys: string[] } & AsyncDisposable> {
  const requests: string[] = [];
  const keys: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    keys.push(request.headers.authorization ?? "");
    request.resume().on("end", () => response.writeHead(status, headers).end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    keys,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** This host with another working directory and environment. */
function hostIn(cwd: string, env: Record<string, string>): Runtime {
  const host = detectRuntime();
  const process = Object.create(host.process, {
    cwd: { value: () => cwd },
    home: { value: () => cwd },
    env: { value: (name: string) => env[name] },
  }) as Runtime["process"];
  return { ...host, process };
}

/** Records a call, and sends it until the first response, or until it is clear that none comes. */
async function runClient(runtime: Runtime, options: InitOptions, project = NAME): Promise<void> {
  const { fetch } = globalThis;
  const responded = new AbortController();
  const client = await openClient(project, { logLevel: "critical", ...options }, {
    runtime,
    fetch: (url, init) => fetch(url, init).finally(() => responded.abort()),
    sink: { warn: () => {} },
    openPipeline,
  });
  client.callStart({ op_name: "answer", inputs: {} });
  await client.flush({ timeout: 20_000, signal: responded.signal });
  await client.finish({ timeout: 1 });
}

test("keys: a program in a stranger's checkout sends nothing to the stranger", async () => {
  await using place = await temporary();
  await using stranger = await startServer(200);
  const { url } = stranger;
  const netrc = `machine api.wandb.ai login user password ${KEY}\n`;
  for (const settings of [{ serverUrl: url }, { baseUrl: url }, { serverUrl: url, baseUrl: url }]) {
    writeFileSync(join(place.path, "weave.jsonc"), JSON.stringify({ ...settings, wal: true }));
    for (const name of [NAME, "no-entity"]) {
      const fromEnvironment = hostIn(place.path, { WANDB_API_KEY: KEY });
      await assert.rejects(runClient(fromEnvironment, {}, name), { code: "ERR_INVALID_OPTION" });
      writeFileSync(join(place.path, ".netrc"), netrc);
      const fromNetrc = hostIn(place.path, {});
      await assert.rejects(runClient(fromNetrc, {}, name), { code: "ERR_INVALID_OPTION" });
      await assert.rejects(runClient(fromNetrc, { apiKey: KEY }, name), {
        code: "ERR_INVALID_OPTION",
      });
    }
  }
  assert.deepEqual(stranger.requests, []);
});

test("keys: the command in a stranger's checkout sends nothing to the stranger", async () => {
  await using place = await temporary();
  await using stranger = await startServer(200);
  const log = openLog(place.wal, NAME, { server: stranger.url });
  writeCalls(log, NAME, 3);
  await log.finish();
  const path = join(place.path, "weave.jsonc");
  writeFileSync(path, JSON.stringify({ serverUrl: stranger.url }));
  const env = { WANDB_API_KEY: KEY };
  for (
    const args of [["flush"], ["flush", "--follow"], ["dead-letters", "retry"]]
  ) {
    const { code, err } = await cliProcess(args, { cwd: place.path, env });
    assert.equal(code, 2, err);
    assert.ok(err.includes(path) && err.includes(stranger.url), err);
    assert.match(err, /WANDB_API_KEY was not given for .*WF_TRACE_SERVER_URL=http.* or --server/);
    assert.ok(!err.includes(KEY), err);
  }
  // Commands that send nothing need no key, and read the directory as before.
  const { code, out } = await cliProcess(["status"], { cwd: place.path, env });
  assert.equal(code, 0, out);
  assert.deepEqual(stranger.requests, []);
  // With an explicit option of the user, the key is sent there.
  await cliProcess(["flush", "--server", stranger.url, "--timeout", "30s"], {
    cwd: place.path,
    env,
  });
  assert.ok(stranger.keys.includes(`Basic ${btoa(`api:${KEY}`)}`));
}, SLOW);

test("keys: a redirect carries no key to another host, nor a request", async () => {
  await using place = await temporary();
  await using stranger = await startServer(200);
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = await startServer(status, { location: `${stranger.url}/taken` });
    const runtime = hostIn(place.path, { WANDB_API_KEY: KEY, WF_TRACE_SERVER_URL: server.url });
    await runClient(runtime, {});
    assert.ok(server.requests.length > 0);
    await assert.rejects(
      runClient(hostIn(place.path, { WANDB_API_KEY: KEY, WANDB_BASE_URL: server.url }), {}, "x"),
      { code: "ERR_REQUEST_FAILED", status },
    );
  }
  assert.deepEqual(stranger.requests, []);
}, SLOW);

test("keys: plain http to a host that is not loopback is refused by the command too", async () => {
  await using place = await temporary();
  const env = { WANDB_API_KEY: KEY, WF_TRACE_SERVER_URL: "http://trace.invalid" };
  const refused = await cliProcess(["flush"], { cwd: place.path, env });
  assert.equal(refused.code, 2);
  assert.match(
    refused.err,
    /WF_TRACE_SERVER_URL: "http:\/\/trace.invalid" .* WEAVE_WAL_ALLOW_HTTP=trace.invalid/,
  );
  const allowed = { ...env, WEAVE_WAL_ALLOW_HTTP: "trace.invalid" };
  const { code, out, err } = await cliProcess(["flush"], { cwd: place.path, env: allowed });
  assert.equal(code, 0, err);
  assert.match(out, /Nothing to send|Cannot find a log/);
}, SLOW);
