import assert from "node:assert/strict";
import { loginFrom } from "../../../src/client/credentials/login.ts";
import { sessionKey } from "../../../src/client/credentials/api_key_store.ts";
import { resolveSettings } from "../../../src/client/settings/settings.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";

interface Login {
  runtime: MemoryRuntime;
  asked: string[];
  warned: string[];
  run(apiKey: string, host?: string): Promise<void>;
}

function loginOn(runtime: MemoryRuntime, status = 200): Login {
  const asked: string[] = [];
  const warned: string[] = [];
  const fetch = ((url: string, { headers }: { headers: Record<string, string> }) => {
    asked.push(`${url} ${headers.Authorization}`);
    return Promise.resolve(new Response("{}", { status }));
  }) as unknown as typeof globalThis.fetch;
  const warn = (line: string) => void warned.push(line);
  const run = (apiKey: string, host?: string) => loginFrom({ runtime, fetch, warn }, apiKey, host);
  return { runtime, asked, warned, run };
}

test("login: the key is checked with the server and added to netrc", async () => {
  const runtime = new MemoryRuntime({ home: "/home/ada" });
  runtime.files.makeDirectory("/home/ada");
  runtime.files.replace("/home/ada/.netrc", "machine example.com\n  login a\n  password b\n");
  const { run, asked, warned } = loginOn(runtime);
  await run("first-key");
  await run("own-key", "wandb.example.com");
  await run("second-key");
  assert.deepEqual(asked, [
    `https://trace.wandb.ai/health Basic ${btoa("api:first-key")}`,
    `https://wandb.example.com/traces/health Basic ${btoa("api:own-key")}`,
    `https://trace.wandb.ai/health Basic ${btoa("api:second-key")}`,
  ]);
  assert.deepEqual(warned, []);
  const text = runtime.files.readText("/home/ada/.netrc");
  assert.match(text, /machine example.com\n {2}login a\n {2}password b\n/);
  assert.match(text, /machine api.wandb.ai\n {2}login user\n {2}password second-key\n/);
  assert.doesNotMatch(text, /first-key/);
  assert.equal(resolveSettings(runtime).apiKey, "second-key");
});

test("login: a key that the server refuses is not kept", async () => {
  const runtime = new MemoryRuntime({ home: "/home/ada" });
  await assert.rejects(loginOn(runtime, 403).run("refused-key", "refusing.example.com"), {
    code: "ERR_REQUEST_FAILED",
    status: 403,
  });
  assert.equal(runtime.files.stat("/home/ada/.netrc"), null);
  assert.equal(sessionKey("refusing.example.com"), undefined);
});

test("login: if netrc cannot be written, the key applies to the process only, with a warning", async () => {
  const linked = new MemoryRuntime({ home: "/home/bob" });
  linked.files.makeDirectory("/home/bob/.netrc");
  for (const runtime of [new MemoryRuntime(), new MemoryRuntime({ home: "/nowhere" }), linked]) {
    const { run, warned } = loginOn(runtime);
    await run("session-key", "session.example.com");
    assert.equal(warned.length, 1);
    assert.match(
      warned[0],
      /Cannot store the key in ~\/.netrc \(.+\): it is used in this process only/,
    );
    assert.doesNotMatch(warned[0], /session-key/);
    const env = { WANDB_BASE_URL: "https://session.example.com" };
    assert.equal(resolveSettings(new MemoryRuntime({ env })).apiKey, "session-key");
  }
});

test("login: a missing or invalid key is refused without a request", async () => {
  const { run, asked } = loginOn(new MemoryRuntime());
  await assert.rejects(run(""), { code: "ERR_MISSING_API_KEY" });
  await assert.rejects(run("two words"), { code: "ERR_INVALID_OPTION" });
  await assert.rejects(run("key", "not a host"), { code: "ERR_INVALID_OPTION" });
  assert.deepEqual(asked, []);
  const nowhere = loginOn(new MemoryRuntime({ env: { WF_TRACE_SERVER_URL: "no//where" } }));
  await assert.rejects(nowhere.run("key"), {
    code: "ERR_INVALID_OPTION",
    message: /WF_TRACE_SERVER_URL: "no\/\/where"/,
  });
  const unset = loginOn(new MemoryRuntime({ env: { WF_TRACE_SERVER_URL: "" } }));
  await unset.run("some-key", "unset.example.com");
  assert.deepEqual(unset.asked, [
    `https://unset.example.com/traces/health Basic ${btoa("api:some-key")}`,
  ]);
});
