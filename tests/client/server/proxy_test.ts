/**
 * Behind a proxy: which requests use it, and the warning if it cannot be used.
 *
 * @module
 */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "@std/path";
import { proxyFor } from "../../../src/client/server/proxy.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import {
  cliProcess,
  type Finished,
  startProgram,
  temporary,
} from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { startForwardProxy, startTls } from "../../support/network/forward_proxy.ts";
import { startSocksProxy } from "../../support/network/socks_proxy.ts";
import { test } from "../../harness.ts";

const SLOW = { timeout: 120_000 };
const HOST = "trace.test";
const SECURE = `https://${HOST}`;
const isNode = detectRuntime().name === "node";

/** Programs behind a proxy, with their environments. */
const PROGRAMS: Record<string, Record<string, string>> = {
  "": {},
  // A dispatcher set by the program stays in use.
  ...isNode ? { ", by a dispatcher of undici": { UNDICI: import.meta.resolve("undici") } } : {},
};

/**
 * Variables that make each runtime trust an authority, and keep Deno's own downloads off
 * the proxy.
 */
function trusting(authority: string): Record<string, string> {
  return { NODE_EXTRA_CA_CERTS: authority, DENO_CERT: authority, DENO_NO_UPDATE_CHECK: "1" };
}

test("proxy: variables in either case and NO_PROXY are interpreted as by curl", () => {
  const proxy = "http://proxy:3128";
  const cases: [string, Record<string, string>, string | null][] = [
    ["https://a.test", { HTTPS_PROXY: proxy }, proxy],
    ["https://a.test", { https_proxy: "http://low", HTTPS_PROXY: proxy }, "http://low"],
    ["https://a.test", { ALL_PROXY: proxy }, proxy],
    ["https://a.test", { HTTP_PROXY: proxy }, null],
    ["http://a.test", { HTTP_PROXY: proxy }, proxy],
    ["http://a.test", { http_proxy: "proxy:3128" }, proxy],
    ["http://a.test", { HTTPS_PROXY: proxy }, null],
    ["https://a.test", { HTTPS_PROXY: "" }, null],
    ["https://a.test", {}, null],
  ];
  for (const [url, env, wanted] of cases) {
    assert.equal(proxyFor(url, (name) => env[name])?.url ?? null, wanted, JSON.stringify(env));
  }
  const excluded: [string, string, boolean][] = [
    ["https://a.test", "*", true],
    ["https://a.test", "a.test", true],
    ["https://A.test", "b.test, A.TEST", true],
    ["https://x.a.test", "a.test", true],
    ["https://x.a.test", ".a.test", true],
    ["https://a.test", "*.a.test", true],
    ["https://ba.test", "a.test", false],
    ["https://a.test", "a.test:443", true],
    ["https://a.test", "a.test:8443", false],
    ["https://a.test:8443", "a.test:8443", true],
    ["http://10.1.2.3", "10.0.0.0/8", true],
    ["http://11.1.2.3", "10.0.0.0/8", false],
    ["http://10.1.2.3", "10.1.2.3", true],
    ["http://10.1.2.3", "0.0.0.0/0", true],
    ["http://10.1.2.3", "10.0.0.0/x", false],
    ["http://[::1]:80", "::1", true],
    ["http://[::1]:80", "[::1]:80", true],
    ["http://[::1]:80", "[::1]:81", false],
    ["https://a.test", "test.a", false],
    ["https://a.test", " , ", false],
  ];
  for (const [url, list, isExcluded] of excluded) {
    const env: Record<string, string> = { ALL_PROXY: proxy, NO_PROXY: list };
    assert.equal(proxyFor(url, (name) => env[name]) === null, isExcluded, `${url} ${list}`);
  }
});

/** Hosts that only the proxy can reach. */
const HOSTS = {
  "an https server": HOST,
  "an https server with an address as its name": "10.9.8.7",
};

for (const [what, host] of Object.entries(HOSTS)) {
  test(`proxy: the command goes through a tunnel to ${what}`, async () => {
    const secure = `https://${host}`;
    await using place = await temporary();
    await using mock = await startMockServer();
    await using tls = await startTls(host, Number(new URL(mock.url).port));
    await using proxy = await startForwardProxy({ [host]: tls.port });
    await leaveCalls(place.wal, secure, 20);
    const address = proxy.url.replace("//", "//user:pass%21@");
    const env = { ...trusting(tls.authority), WF_TRACE_SERVER_URL: secure, HTTPS_PROXY: address };
    const { code, out, err } = await cliProcess(["flush", "--timeout", "30s"], {
      cwd: place.path,
      env: { ...env, WANDB_API_KEY: "key" },
    });
    assert.equal(code, 0, out + err);
    assert.equal(mock.store.finishedCount("team/proxied"), 20);
    assert.ok(proxy.requests.length > 0);
    const authorization = `Basic ${btoa("user:pass!")}`;
    for (const request of proxy.requests) {
      assert.deepEqual(request, { kind: "tunnel", target: `${host}:443`, authorization });
    }
    assert.equal(err, "");
  }, SLOW);
}

test(
  "proxy: the command sends plain http in absolute form, and what NO_PROXY names directly",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const { port } = new URL(mock.url);
    await using proxy = await startForwardProxy({
      [HOST]: Number(port),
      "127.0.0.1": Number(port),
    });
    const url = `http://${HOST}:${port}`;
    await leaveCalls(place.wal, url, 5);
    const env = { WANDB_API_KEY: "key", HTTP_PROXY: proxy.url, WEAVE_WAL_ALLOW_HTTP: HOST };
    const flush = (server: string, more: Record<string, string> = {}): Promise<Finished> =>
      cliProcess(["flush", "--timeout", "30s"], {
        cwd: place.path,
        env: { ...env, WF_TRACE_SERVER_URL: server, ...more },
      });
    const first = await flush(url);
    assert.equal(first.code, 0, first.out + first.err);
    assert.equal(mock.store.finishedCount("team/proxied"), 5);
    assert.ok(proxy.requests.length > 0);
    for (const { kind, target } of proxy.requests) {
      assert.equal(kind, "plain");
      assert.ok(target.startsWith(`${url}/`), target);
    }
    const before = proxy.requests.length;
    await leaveCalls(place.wal, mock.url, 3);
    const second = await flush(mock.url, { NO_PROXY: "127.0.0.1,localhost" });
    assert.equal(second.code, 0, second.out + second.err);
    assert.equal(mock.store.finishedCount("team/proxied"), 8);
    assert.equal(proxy.requests.length, before);
  },
  SLOW,
);

/** Proxies that cannot be used. */
const UNUSABLE = [
  "socks4://u:secret@127.0.0.1:9",
  "ftp://u:secret@127.0.0.1:9",
  "http://u:secret@",
];

test("proxy: the command names a proxy that it cannot use", async () => {
  for (const proxy of UNUSABLE) {
    await using place = await temporary();
    await leaveCalls(place.wal, SECURE, 1);
    const env = { WANDB_API_KEY: "key", WF_TRACE_SERVER_URL: SECURE, HTTPS_PROXY: proxy };
    const { code, out, err } = await cliProcess(["flush", "--timeout", "2s"], {
      cwd: place.path,
      env,
    });
    assert.equal(code, 2, out + err);
    assert.match(err, /Cannot use HTTPS_PROXY: it is not the URL of a proxy such as/);
    assert.doesNotMatch(out + err, /secret/);
  }
}, SLOW);

for (const [what, credentials] of [["", ""], [" with a password", "user:pass!"]]) {
  test(`proxy: the command and a program go through SOCKS${what}`, async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    await using tls = await startTls(HOST, Number(new URL(mock.url).port));
    await using proxy = await startSocksProxy(
      { [HOST]: tls.port },
      credentials ? { credentials } : {},
    );
    const url = `socks5h://${credentials && `${credentials}@`}${proxy.host}`;
    await leaveCalls(place.wal, SECURE, 20);
    const { code, out, err } = await cliProcess(["flush", "--timeout", "30s"], {
      cwd: place.path,
      env: {
        ...trusting(tls.authority),
        WANDB_API_KEY: "key",
        WF_TRACE_SERVER_URL: SECURE,
        ALL_PROXY: url,
      },
    });
    assert.deepEqual([code, err], [0, ""], out + err);
    assert.equal(mock.store.finishedCount("team/proxied"), 20);
    const before = proxy.requests.length;
    const ended = await runProgram(place.path, url, tls.authority, {});
    assert.match(ended.out, /\{"done":true\}/, ended.err);
    assert.equal(mock.store.finishedCount("team/proxied"), 21);
    assert.ok(proxy.requests.length > before);
    for (const request of proxy.requests) assert.equal(request, `3 ${HOST}:443`);
  }, SLOW);
}

for (const [title, more] of Object.entries(PROGRAMS)) {
  test(`proxy: a program goes through it, files too${title}`, async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    await using tls = await startTls(HOST, Number(new URL(mock.url).port));
    await using proxy = await startForwardProxy({ [HOST]: tls.port });
    const ended = await runProgram(place.path, proxy.url, tls.authority, more);
    assert.equal(ended.code, 0, ended.err);
    assert.match(ended.out, /\{"done":true\}/, ended.err);
    assert.equal(mock.store.finishedCount("team/proxied"), 1);
    assert.ok(proxy.requests.length > 0);
    assert.doesNotMatch(ended.err, /HTTPS_PROXY/);
  }, SLOW);
}

test(
  "proxy: if a proxy cannot be used, one message reports that, without its password",
  async () => {
    const env = { FLUSH_MS: "100" };
    for (const proxy of UNUSABLE) {
      await using place = await temporary();
      const ended = await runProgram(place.path, proxy, "", env);
      const logged = ended.err.split("\n").filter((line) => line.includes("HTTPS_PROXY"));
      assert.equal(logged.length, 1, ended.err);
      assert.match(logged[0], /Cannot use HTTPS_PROXY: it is not the URL of a proxy such as/);
      assert.doesNotMatch(ended.err, /secret/);
      rmSync(join(place.path, "wal"), { recursive: true });
      const named = await runProgram(place.path, proxy, "", { ...env, NO_PROXY: HOST });
      assert.doesNotMatch(named.err, /HTTPS_PROXY/);
    }
  },
  SLOW,
);

async function runProgram(
  cwd: string,
  proxy: string,
  authority: string,
  env: Record<string, string>,
): Promise<Finished> {
  return await startProgram("tests/support/client/programs/proxy_child.ts", [], {
    cwd,
    env: {
      ...(authority ? trusting(authority) : {}),
      WANDB_API_KEY: "key",
      WF_TRACE_SERVER_URL: SECURE,
      HTTPS_PROXY: proxy,
      ...env,
    },
  }).ended;
}

async function leaveCalls(wal: string, server: string, count: number): Promise<void> {
  const log = openLog(wal, "team/proxied", { server });
  writeCalls(log, "team/proxied", count);
  await log.finish();
}
