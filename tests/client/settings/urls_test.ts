import assert from "node:assert/strict";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { resolveSettings } from "../../../src/client/settings/settings.ts";
import { checkHostNames, isLoopback } from "../../../src/client/settings/urls.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";

function resolve(env: Record<string, string>, options: InitOptions = {}): string | undefined {
  const runtime = new MemoryRuntime({ env: { WANDB_API_KEY: "key", ...env } });
  return resolveSettings(runtime, options).apiKey;
}

test("http: only loopback may be unencrypted", () => {
  const loopback = ["127.0.0.1", "127.9.9.9", "127.1", "0x7f000001", "localhost", "LOCALHOST."];
  for (const host of [...loopback, "a.localhost", "[::1]", "[0:0:0:0:0:0:0:1]"]) {
    assert.ok(isLoopback(new URL(`http://${host}:8080`).hostname), host);
    assert.equal(resolve({ WF_TRACE_SERVER_URL: `http://${host}:8080` }), "key", host);
  }
  const others = ["trace.example.com", "10.0.0.1", "0.0.0.0", "128.0.0.1", "localhost.example.com"];
  for (const host of [...others, "127.0.0.1.example.com", "notlocalhost", "[fe80::1]"]) {
    assert.ok(!isLoopback(new URL(`http://${host}`).hostname), host);
    assert.throws(() => resolve({ WF_TRACE_SERVER_URL: `http://${host}:8080` }), {
      code: "ERR_INVALID_OPTION",
      message:
        /^Cannot use WF_TRACE_SERVER_URL: "http:.*unencrypted; use https, .*WEAVE_WAL_ALLOW_HTTP=/,
    });
  }
});

test("http: every server setting is checked, including the W&B server", () => {
  const url = "http://wandb.internal";
  const cases: [Record<string, string>, InitOptions, RegExp][] = [
    [{}, { serverUrl: url }, /^Cannot use option "serverUrl": /],
    [{}, { baseUrl: url }, /^Cannot use option "baseUrl": /],
    [{ WANDB_BASE_URL: url }, {}, /^Cannot use WANDB_BASE_URL: /],
    [{ WANDB_BASE_URL: url, WF_TRACE_SERVER_URL: "https://x" }, {}, /^Cannot use WANDB_BASE_URL: /],
  ];
  for (const [env, options, message] of cases) {
    assert.throws(() => resolve(env, options), { code: "ERR_INVALID_OPTION", message });
    assert.equal(resolve({ ...env, WEAVE_WAL_ALLOW_HTTP: "wandb.internal" }, options), "key");
  }
});

test("http: a host is allowed by name, with or without its port", () => {
  const env = { WF_TRACE_SERVER_URL: "http://Trace.internal:8080" };
  for (const allowed of ["trace.internal", "TRACE.internal:8080", "other , trace.internal"]) {
    assert.equal(resolve({ ...env, WEAVE_WAL_ALLOW_HTTP: allowed }), "key", allowed);
    assert.equal(resolve(env, { allowHttp: allowed.split(",").map((name) => name.trim()) }), "key");
  }
  const bare = { WF_TRACE_SERVER_URL: "http://trace.internal" };
  assert.equal(resolve({ ...bare, WEAVE_WAL_ALLOW_HTTP: "trace.internal:80" }), "key");
  for (const allowed of ["trace.internal:80", "internal", "other", "trace.internal.org", ","]) {
    assert.throws(() => resolve({ ...env, WEAVE_WAL_ALLOW_HTTP: allowed }), /unencrypted/, allowed);
  }
});

test("http: what allows a host is checked, and no file of a project may do so", () => {
  for (
    const host of ["*", "*.internal", "http://trace.internal", "a/b", "a b", "", "a:b", "u@h", 5]
  ) {
    assert.throws(
      () => checkHostNames([host], "x"),
      /^WeaveWalError: Cannot use x: .* is not a host/,
    );
  }
  assert.throws(() => resolve({}, { allowHttp: "trace.internal" as never }), /is not a list of/);
  const runtime = new MemoryRuntime({ env: { WANDB_API_KEY: "key" } });
  runtime.files.replace("/weave.jsonc", '{ "allowHttp": ["trace.internal"] }');
  assert.throws(() => resolveSettings(runtime), {
    code: "ERR_INVALID_OPTION",
    message:
      /"allowHttp" of \/weave.jsonc: a project's files cannot set it; set WEAVE_WAL_ALLOW_HTTP/,
  });
});

test("http: a process without a sender does not send the key", () => {
  const env = { WF_TRACE_SERVER_URL: "http://trace.internal", WEAVE_ENABLE_WAL: "true" };
  assert.equal(resolve({ ...env, WEAVE_DISABLE_WAL_SENDER: "true" }), undefined);
  assert.equal(resolve({ ...env, WEAVE_DISABLED: "true" }), undefined);
});
