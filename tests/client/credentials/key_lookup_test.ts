import assert from "node:assert/strict";
import { setSessionKey } from "../../../src/client/credentials/api_key_store.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { resolveSettings, type Settings } from "../../../src/client/settings/settings.ts";
import type { WeaveWalError } from "../../../src/errors.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";

interface Setup {
  env?: Record<string, string>;
  options?: InitOptions;
  /** Content of `weave.jsonc` in the working directory. */
  file?: Record<string, unknown>;
  netrc?: string;
  wandb?: string;
}

function resolve({ env = {}, options, file, netrc, wandb }: Setup): Settings {
  const runtime = new MemoryRuntime({ env, cwd: "/checkout", home: "/home/ada" });
  runtime.files.makeDirectory("/checkout");
  runtime.files.makeDirectory("/home/ada/.config/wandb");
  if (file) runtime.files.replace("/checkout/weave.jsonc", JSON.stringify(file));
  if (netrc !== undefined) runtime.files.replace("/home/ada/.netrc", netrc);
  if (wandb !== undefined) runtime.files.replace("/home/ada/.config/wandb/settings", wandb);
  return resolveSettings(runtime, options);
}

function refusal(setup: Setup): WeaveWalError {
  try {
    const { apiKey, serverUrl } = resolve(setup);
    throw new Error(`${apiKey} would go to ${serverUrl}`);
  } catch (error) {
    return error as WeaveWalError;
  }
}

const KEY = "secret-key";
const STRANGER = "https://stranger.example.com";
/** All sources of a key, none of which is meant for the stranger's host. */
const keys: Record<string, Setup> = {
  WANDB_API_KEY: { env: { WANDB_API_KEY: KEY } },
  'option "apiKey"': { options: { apiKey: KEY } },
  "the password of machine api.wandb.ai in ~/.netrc": {
    netrc: `machine api.wandb.ai password ${KEY}`,
  },
  "the password of the default entry in ~/.netrc": { netrc: `default login x password ${KEY}` },
  "the password of machine own.example.com in ~/.netrc": {
    netrc: `machine own.example.com password ${KEY}`,
    env: { WANDB_BASE_URL: "https://own.example.com" },
  },
};

test("keys: a server that only weave.jsonc names gets no key, wherever the key comes from", () => {
  for (const [source, setup] of Object.entries(keys)) {
    for (const name of ["serverUrl", "baseUrl"]) {
      // The environment overrides the file, which then names no host.
      if (name === "baseUrl" && setup.env?.WANDB_BASE_URL) continue;
      const error = refusal({ ...setup, file: { [name]: STRANGER } });
      assert.equal(error.code, "ERR_INVALID_OPTION", source);
      const { message } = error;
      assert.ok(
        message.startsWith(`Cannot use "${name}" of /checkout/weave.jsonc: ${source}`),
        message,
      );
      assert.ok(message.includes(STRANGER), message);
      assert.match(message, name === "baseUrl" ? /WANDB_BASE_URL=/ : /WF_TRACE_SERVER_URL=https:/);
      assert.ok(!message.includes(KEY), message);
    }
  }
});

test("keys: other spellings of an untrusted host are rejected too", () => {
  const env = { WANDB_API_KEY: KEY };
  for (
    const url of [
      "https://trace.wandb.ai.example.com",
      "https://trace.wandb.ai:8443",
      "http://trace.wandb.ai",
      "https://api.wandb.ai.",
      "http://127.0.0.1:7902",
      "http://localhost:7902",
      "https://WANDB.AI",
    ]
  ) {
    assert.equal(refusal({ env, file: { serverUrl: url } }).code, "ERR_INVALID_OPTION", url);
  }
});

test("keys: weave.jsonc may contain servers that are allowed anyway", () => {
  const env = { WANDB_API_KEY: KEY };
  const own = { ...env, WANDB_BASE_URL: "https://own.example.com" };
  const cases: [Setup, string][] = [
    [{ env, file: { serverUrl: "https://trace.wandb.ai/" } }, "https://trace.wandb.ai"],
    [{ env, file: { serverUrl: "https://TRACE.wandb.ai:443/sub" } }, "https://trace.wandb.ai/sub"],
    [{ env, file: { baseUrl: "https://api.wandb.ai" } }, "https://trace.wandb.ai"],
    [{ env: own, file: { serverUrl: "https://own.example.com/t" } }, "https://own.example.com/t"],
    [
      {
        env,
        wandb: "[default]\nbase_url = https://mine.example.com",
        file: { baseUrl: "https://mine.example.com" },
      },
      "https://mine.example.com/traces",
    ],
  ];
  for (const [setup, url] of cases) {
    const { apiKey, serverUrl } = resolve(setup);
    assert.deepEqual({ apiKey, serverUrl }, { apiKey: KEY, serverUrl: url });
  }
});

test("keys: a key goes to the servers that the environment or the code names", () => {
  const env = { WANDB_API_KEY: KEY };
  const file = { serverUrl: STRANGER, baseUrl: STRANGER };
  const named = "https://named.example.com";
  const cases: [Setup, string][] = [
    [{ env: { ...env, WF_TRACE_SERVER_URL: named, WANDB_BASE_URL: named } }, named],
    [{ env, options: { serverUrl: named, baseUrl: named } }, named],
    [{ env: { ...env, WANDB_BASE_URL: named } }, `${named}/traces`],
    [{ netrc: `machine api.wandb.ai password ${KEY}`, env: { WF_TRACE_SERVER_URL: named } }, named],
    [{ netrc: `default password ${KEY}`, options: { baseUrl: named } }, `${named}/traces`],
  ];
  for (const [setup, url] of cases) {
    const { apiKey, serverUrl } = resolve(setup);
    assert.deepEqual({ apiKey, serverUrl }, { apiKey: KEY, serverUrl: url });
    // The environment and the code override the file.
    const base = setup.env?.WANDB_BASE_URL ?? setup.options?.baseUrl;
    const both = setup.env?.WF_TRACE_SERVER_URL ?? setup.options?.serverUrl;
    if (base && both) assert.equal(resolve({ ...setup, file }).serverUrl, url);
  }
});

test("keys: an entry of netrc for exactly the file's host is for it, another port is not", () => {
  const file = { serverUrl: STRANGER };
  const netrc = `machine stranger.example.com password theirs machine api.wandb.ai password ${KEY}`;
  const env = { WANDB_API_KEY: KEY };
  const { apiKey, baseApiKey } = resolve({ file, netrc, env });
  assert.deepEqual([apiKey, baseApiKey], ["theirs", KEY], "each server its own");
  const port = { serverUrl: `${STRANGER}:8443` };
  assert.equal(refusal({ file: port, netrc, env }).code, "ERR_INVALID_OPTION");
  const theirs = netrc.split(" machine ")[0];
  assert.equal(refusal({ file: port, netrc: theirs }).code, "ERR_INVALID_OPTION");
  assert.match(refusal({ file }).message, /^Cannot send .* \(machine stranger.example.com\)/);
});

test("keys: the key given to login is for its host only", () => {
  setSessionKey("logged-in.example.com", "session");
  const named = { WANDB_BASE_URL: "https://logged-in.example.com" };
  assert.equal(resolve({ env: named }).apiKey, "session");
  assert.equal(resolve({ file: { baseUrl: named.WANDB_BASE_URL } }).apiKey, "session");
  assert.equal(
    refusal({ env: named, file: { serverUrl: STRANGER } }).code,
    "ERR_INVALID_OPTION",
  );
});

test("keys: a process without a sender runs without a key that it must not send", () => {
  const env = { WANDB_API_KEY: KEY };
  const file = { serverUrl: STRANGER, wal: true, sender: false };
  const { apiKey, baseApiKey, serverUrl } = resolve({ env, file });
  assert.deepEqual([apiKey, baseApiKey, serverUrl], [undefined, KEY, STRANGER]);
  assert.equal(resolve({ env, file: { baseUrl: STRANGER, disabled: true } }).baseApiKey, undefined);
});

test("keys: for a host with a port, its own netrc entry takes precedence over the one without a port", () => {
  const env = { WANDB_BASE_URL: "http://127.0.0.1:8080" };
  const both = "machine 127.0.0.1 password bare machine 127.0.0.1:8080 password port";
  assert.equal(resolve({ env, netrc: both }).apiKey, "port");
  assert.equal(resolve({ env, netrc: "machine 127.0.0.1 password bare" }).apiKey, "bare");
  assert.equal(resolve({ env, netrc: 'machine 127.0.0.1 password "quoted"' }).apiKey, "quoted");
  assert.equal(resolve({ env, netrc: "default password any" }).apiKey, "any");
  const trace = { WF_TRACE_SERVER_URL: "http://127.0.0.1:8080" };
  const wandb = `${both} machine api.wandb.ai password wandb`;
  const { apiKey, baseApiKey } = resolve({ env: trace, netrc: wandb });
  assert.deepEqual([apiKey, baseApiKey], ["port", "wandb"]);
});

test("keys: the file set by NETRC is read instead", () => {
  const runtime = new MemoryRuntime({ home: "/home/ada", env: { NETRC: "/keys" } });
  runtime.files.makeDirectory("/home/ada");
  runtime.files.replace("/home/ada/.netrc", "machine api.wandb.ai password home");
  runtime.files.replace("/keys", "machine api.wandb.ai password named");
  assert.equal(resolveSettings(runtime).apiKey, "named");
  runtime.files.replace("/keys", "machine api.wandb.ai password clé");
  assert.throws(() => resolveSettings(runtime), /machine api.wandb.ai in \/keys: .*U\+00E9/);
});

test("keys: white space around a key is not part of it", () => {
  for (const text of [` ${KEY}`, `${KEY}\n`, `\t${KEY} \r\n`, `\uFEFF${KEY}`]) {
    assert.equal(resolve({ env: { WANDB_API_KEY: text } }).apiKey, KEY);
    assert.equal(resolve({ options: { apiKey: text } }).apiKey, KEY);
  }
});

test("keys: an invalid character is reported without showing the key", () => {
  const cases: [string, RegExp][] = [
    ["abc\ndef", /a newline \(U\+000A\) at position 4;/],
    [" abc\rdef", /a carriage return \(U\+000D\) at position 5;/],
    ["abc\0def", /a NUL \(U\+0000\) at position 4;/],
    ["abc def", /a space \(U\+0020\) at position 4;/],
    ["abc\tdef", /a tab \(U\+0009\)/],
    ["abc\x7fdef", /a control character \(U\+007F\)/],
    ["abc\u200bdef", /beyond ASCII \(U\+200B\)/],
    ["abc😀def", /beyond ASCII \(U\+1F600\) at position 4;/],
    [" \n", /is empty/],
    ["", /is empty/],
  ];
  for (const [apiKey, expected] of cases) {
    const error = refusal({ options: { apiKey } });
    assert.equal(error.code, "ERR_INVALID_OPTION");
    assert.match(error.message, /^Cannot use option "apiKey": the API key /);
    assert.match(error.message, expected);
    assert.doesNotMatch(error.message, /abc|def/);
  }
  assert.match(refusal({ options: { apiKey: 5 as never } }).message, /is not text/);
});
