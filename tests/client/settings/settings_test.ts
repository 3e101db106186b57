import assert from "node:assert/strict";
import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { resolveSettings, type Settings } from "../../../src/client/settings/settings.ts";
import type { WeaveWalError } from "../../../src/errors.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";

interface Setup {
  env?: Record<string, string>;
  options?: Record<string, unknown>;
  files?: Record<string, string>;
}

function resolve({ env, options, files }: Setup = {}): Settings {
  const runtime = new MemoryRuntime({
    env: { WANDB_API_KEY: "key", ...env },
    cwd: "/app",
    home: "/home/ada",
  });
  runtime.files.makeDirectory("/app");
  runtime.files.makeDirectory("/home/ada/.config/wandb");
  for (const [path, text] of Object.entries(files ?? {})) runtime.files.replace(path, text);
  return resolveSettings(runtime, options as InitOptions);
}

function refusal(setup: Setup): WeaveWalError {
  try {
    resolve(setup);
  } catch (error) {
    return error as WeaveWalError;
  }
  throw new Error(`Accepted: ${JSON.stringify(setup)}`);
}

test("settings: the defaults apply without settings, with the log under the working directory", () => {
  const { walDir, ...rest } = DEFAULTS;
  const settings = resolve();
  for (const [name, value] of Object.entries(rest)) {
    assert.equal(settings[name as keyof Settings], value, name);
  }
  assert.equal(settings.walDir, `/app/${walDir}`);
  assert.equal(settings.walDirExplicit, false);
  assert.equal(settings.serverUrl, "https://trace.wandb.ai");
  assert.equal(settings.domain, "wandb.ai");
});

test("settings: the environment overrides code, code overrides the file, the file overrides the default", () => {
  const files = {
    "/app/weave.jsonc": '{ "timeoutMs": 1000, /* why */ "lingerMs": 1, "wal": true }',
  };
  const options = { timeoutMs: 2000, lingerMs: 2 };
  const settings = resolve({ files, options, env: { WEAVE_HTTP_TIMEOUT: "3" } });
  assert.equal(settings.timeoutMs, 3000);
  assert.equal(settings.lingerMs, 2);
  assert.equal(settings.wal, true);
  assert.equal(settings.batchRecords, DEFAULTS.batchRecords);
});

test("settings: an empty variable counts as not set", () => {
  assert.equal(resolve({ env: { WEAVE_ENABLE_WAL: "" }, options: { wal: true } }).wal, true);
});

test("settings: booleans of the environment in every spelling", () => {
  for (const text of ["yes", "TRUE", "1", "On"]) {
    assert.equal(resolve({ env: { WEAVE_ENABLE_WAL: text } }).wal, true, text);
  }
  for (const text of ["no", "False", "0", "OFF"]) {
    assert.equal(resolve({ env: { WEAVE_PRINT_CALL_LINK: text } }).printCallLink, false, text);
  }
});

test("settings: every variable of the protocol is read", () => {
  const settings = resolve({
    env: {
      WANDB_API_KEY: "abc",
      WANDB_BASE_URL: "https://wandb.example.com/",
      WF_TRACE_SERVER_URL: "http://127.0.0.1:8787/",
      WEAVE_DISABLED: "false",
      WEAVE_PRINT_CALL_LINK: "false",
      WEAVE_ENABLE_WAL: "true",
      WEAVE_DISABLE_WAL_SENDER: "true",
      WEAVE_USE_CALLS_COMPLETE: "false",
      WEAVE_HTTP_TIMEOUT: "1.5",
      WEAVE_RETRY_MAX_INTERVAL: "60",
      WEAVE_MAX_CALLS_QUEUE_SIZE: "0",
      WEAVE_LOG_LEVEL: "WARNING",
      WEAVE_WAL_DIR: "/var/lib/wal",
    },
  });
  assert.equal(settings.apiKey, "abc");
  assert.equal(settings.baseUrl, "https://wandb.example.com");
  assert.equal(settings.domain, "wandb.example.com");
  assert.equal(settings.serverUrl, "http://127.0.0.1:8787");
  assert.equal(settings.disabled, false);
  assert.equal(settings.printCallLink, false);
  assert.equal(settings.wal, true);
  assert.equal(settings.sender, false);
  assert.equal(settings.useCallsComplete, false);
  assert.equal(settings.timeoutMs, 1500);
  assert.equal(settings.retryMaxMs, 60_000);
  assert.equal(settings.maxMemoryRecords, Number.MAX_SAFE_INTEGER);
  assert.equal(settings.logLevel, "warning");
  assert.equal(settings.walDir, "/var/lib/wal");
  assert.equal(settings.walDirExplicit, true);
});

test("settings: links use the W&B server's actual scheme and port", () => {
  const site = (WANDB_BASE_URL: string): string => resolve({ env: { WANDB_BASE_URL } }).siteUrl;
  assert.equal(site("https://wandb.example.com/"), "https://wandb.example.com");
  assert.equal(site("http://127.0.0.1:8080/below"), "http://127.0.0.1:8080");
  assert.equal(site("https://api.wandb.ai"), "https://wandb.ai");
});

test("settings: the trace server of a base URL of one's own is below it", () => {
  const settings = resolve({ env: { WANDB_BASE_URL: "https://wandb.example.com" } });
  assert.equal(settings.serverUrl, "https://wandb.example.com/traces");
});

test("settings: an invalid value is refused with its name, the value and the valid ones", () => {
  const cases: [Setup, RegExp][] = [
    [{ options: { lingerMs: -1 } }, /option "lingerMs": -1 is not a number from 0/],
    [{ options: { batchBytes: 1.5 } }, /option "batchBytes": 1.5 is not a whole number/],
    [{ options: { batchBytes: 32 * 1024 * 1024 } }, /"batchBytes": 33554432 .* from 1 to 32505856/],
    [
      { options: { segmentBytes: 0 } },
      /option "segmentBytes": 0 is not a whole number of at least 1/,
    ],
    [{ options: { maxDiskBytes: -5 } }, /option "maxDiskBytes": -5/],
    [{ options: { maxDiskBytes: "10GB" } }, /option "maxDiskBytes": "10GB"/],
    [{ options: { fsync: "sometimes" } }, /"sometimes" is not one of interval, always, never/],
    [{ options: { wal: "yes" } }, /option "wal": "yes" is not true or false/],
    [{ options: { walDir: "" } }, /option "walDir": "" is not the path/],
    [{ options: { walDir: "a\0b" } }, /option "walDir"/],
    [{ options: { logLevel: "loud" } }, /"loud" is not one of debug/],
    [{ options: { globalAttributes: [] } }, /"globalAttributes": an array/],
    [{ options: { onEvent: 5 } }, /option "onEvent": 5 is not a function/],
    [{ options: { redactKeys: "iban" } }, /option "redactKeys": "iban" is not a list/],
    [{ options: { redactKeys: ["iban", "x"] } }, /option "redactKeys": "x" is not a property name/],
    [
      { options: { redactPatterns: [/a/, "("] } },
      /option "redactPatterns": "\(" is not a regular expression/,
    ],
    [
      { options: { redactPatterns: [/a*/] } },
      /option "redactPatterns": "\/a\*\/" is not a regular expression that never matches/,
    ],
    [{ options: { fetch: "fetch" } }, /option "fetch": "fetch" is not a function/],
    [{ options: { random: {} } }, /option "random": an object is not a function/],
    [{ options: { runtime: "node" } }, /option "runtime": "node" is not a runtime/],
    [{ options: null as never }, /options of init: null is not an object of options/],
    [{ options: "wal" as never }, /options of init: "wal" is not an object of options/],
    [{ options: { serverUrl: "trace.example.com" } }, /"trace.example.com" is not a URL/],
    [{ options: { serverUrl: "ftp://x" } }, /"ftp:\/\/x" is not an http/],
    [{ options: { serverUrl: "http://x/?a=1" } }, /without a query/],
    [{ env: { WF_TRACE_SERVER_URL: "http//nowhere" } }, /WF_TRACE_SERVER_URL: "http\/\/nowhere"/],
    [
      { env: { WEAVE_HTTP_TIMEOUT: "soon" } },
      /WEAVE_HTTP_TIMEOUT: "soon" is not a number of seconds/,
    ],
    [{ env: { WEAVE_HTTP_TIMEOUT: "-1" } }, /WEAVE_HTTP_TIMEOUT: "-1"/],
    [{ env: { WEAVE_ENABLE_WAL: "perhaps" } }, /WEAVE_ENABLE_WAL: "perhaps" is not one of yes/],
    [{ env: { WEAVE_MAX_CALLS_QUEUE_SIZE: "-1" } }, /WEAVE_MAX_CALLS_QUEUE_SIZE: "-1"/],
    [{ env: { WEAVE_MAX_CALLS_QUEUE_SIZE: "1.5" } }, /WEAVE_MAX_CALLS_QUEUE_SIZE: 1.5/],
    [
      { files: { "/app/weave.jsonc": '{"lingerMs": null, "wal": 1}' } },
      /"wal" of \/app\/weave.jsonc: 1/,
    ],
    [{ files: { "/app/weave.jsonc": "{ oops" } }, /Cannot read settings of \/app\/weave.jsonc/],
    [{ files: { "/app/weave.jsonc": "[]" } }, /\/app\/weave.jsonc: an array is not an object/],
  ];
  for (const [setup, message] of cases) {
    const error = refusal(setup);
    assert.equal(error.code, "ERR_INVALID_OPTION", JSON.stringify(setup));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /[.!]$/);
  }
});

test("settings: an unknown option is refused and the nearest known one named", () => {
  assert.match(
    refusal({ options: { lingerMS: 1 } }).message,
    /options of init: unknown option "lingerMS"; did you mean "lingerMs"\?/,
  );
  assert.match(refusal({ options: { shade: 1 } }).message, /"shade"; known are disabled, /);
  const file = { "/app/weave.jsonc": '{"waldir": "x"}' };
  assert.match(
    refusal({ files: file }).message,
    /\/app\/weave.jsonc: unknown option "waldir"; did/,
  );
  const code = { "/app/weave.jsonc": '{"fetch": "x"}' };
  assert.match(refusal({ files: code }).message, /unknown option "fetch"/);
});

test("settings: a password in a URL and a key are never shown", () => {
  for (const user of ["ada:hunter2", ":hunter2", "ada"]) {
    const url = refusal({ options: { serverUrl: `https://${user}@example.com/x` } });
    assert.doesNotMatch(url.message, /hunter2|ada/);
    assert.match(url.message, /https:\/\/example.com\/x.*without a user name and a password/);
  }
  const key = refusal({ env: { WANDB_API_KEY: "two words" } });
  assert.doesNotMatch(key.message, /two words/);
  const file = refusal({ files: { "/app/weave.jsonc": '{"apiKey": "hunter2"}' } });
  assert.doesNotMatch(file.message, /hunter2/);
  assert.match(file.message, /WANDB_API_KEY/);
});

test("settings: a sender without a key is refused with a solution, other processes need none", () => {
  const env = { WANDB_API_KEY: "" };
  const error = refusal({ env });
  assert.equal(error.code, "ERR_MISSING_API_KEY");
  assert.match(error.message, /WANDB_API_KEY.*~\/.netrc \(machine api.wandb.ai\).*authorize/);
  assert.equal(resolve({ env, options: { wal: true, sender: false } }).apiKey, undefined);
  assert.equal(resolve({ env, options: { disabled: true } }).apiKey, undefined);
  assert.equal(resolve({ env, options: { apiKey: "mine" } }).apiKey, "mine");
});

test("settings: the key is found in netrc under the host of the base URL", () => {
  const files = {
    "/home/ada/.netrc":
      "machine api.wandb.ai\n  login user\n  password one\nmachine wandb.example.com login user password two\n",
  };
  const env = { WANDB_API_KEY: "" };
  assert.equal(resolve({ env, files }).apiKey, "one");
  const own = { ...env, WANDB_BASE_URL: "https://wandb.example.com" };
  assert.equal(resolve({ env: own, files }).apiKey, "two");
  const twice = {
    "/home/ada/.netrc": `${files["/home/ada/.netrc"]}machine api.wandb.ai password x`,
  };
  assert.equal(resolve({ env, files: twice }).apiKey, "x", "the last entry of a machine holds");
  const odd = refusal({ env, files: { "/home/ada/.netrc": "machine api.wandb.ai password clé" } });
  assert.equal(odd.code, "ERR_INVALID_OPTION");
  assert.match(
    odd.message,
    /machine api.wandb.ai in ~\/.netrc: .* beyond ASCII \(U\+00E9\) at position 3/,
  );
  assert.doesNotMatch(odd.message, /clé/);
});

test("settings: the base URL is found in the settings of wandb", () => {
  const at = "/home/ada/.config/wandb/settings";
  const files = { [at]: "; written by wandb\n[default]\nbase_url = https://one.example.com\n" };
  assert.equal(resolve({ files }).baseUrl, "https://one.example.com");
  const sdk = {
    [at]: "[other]\nbase_url=https://no\n[default]\nwandb_base_url=https://two.example.com",
  };
  assert.equal(resolve({ files: sdk }).baseUrl, "https://two.example.com");
  const env = { WANDB_BASE_URL: "https://three.example.com" };
  assert.equal(resolve({ files, env }).baseUrl, "https://three.example.com");
  const bad = refusal({ files: { [at]: "[default]\nbase_url = nowhere\n" } });
  assert.match(bad.message, /base_url of ~\/.config\/wandb\/settings: "nowhere"/);
});

test("settings: a disabled sender without a log is refused in code and ignored in the environment", () => {
  assert.match(
    refusal({ options: { sender: false } }).message,
    /option "sender".*WEAVE_ENABLE_WAL/,
  );
  assert.equal(resolve({ env: { WEAVE_DISABLE_WAL_SENDER: "true" } }).sender, true);
});

test("settings: a directory set in any source counts as explicitly set", () => {
  assert.equal(resolve({ options: { walDir: "here" } }).walDirExplicit, true);
  assert.equal(resolve({ options: { walDir: "here" } }).walDir, "/app/here");
  const files = { "/app/weave.jsonc": '{"walDir": "/there"}' };
  assert.equal(resolve({ files }).walDirExplicit, true);
  assert.equal(resolve({ files }).walDir, "/there");
});
