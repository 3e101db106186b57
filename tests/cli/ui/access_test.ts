import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import process from "node:process";
import { join } from "@std/path";
import { startCli, temporary } from "../../support/cli/cli_support.ts";
import { OPEN_CODE, openUi, TOKEN } from "../../support/cli/ui_fixture.ts";
import { test } from "../../harness.ts";

const SLOW = { timeout: 120_000 };
const JSON_TYPE = { "content-type": "application/json" };

test("ui: the page needs its token", async () => {
  await using place = await temporary();
  await using ui = openUi(place.wal);
  const page = await ui.request("/");
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<script src="page\.js" defer><\/script>/);
  const wrong = `${TOKEN.slice(0, -1)}0`;
  for (const path of ["/", `/${wrong}/`, `/${wrong}/api/status`, "/api/status", "/page.js"]) {
    const refused = await ui.raw(path);
    assert.ok([403, 404].includes(refused.status), `${path}: ${refused.status}`);
    assert.ok(!(await refused.text()).includes(TOKEN));
  }
});

test("ui: the page may load and run only what its own server sends", async () => {
  await using place = await temporary();
  await using ui = openUi(place.wal);
  for (const path of ["/", "/page.js", "/page.css", "/icon.svg", "/api/status", "/nothing"]) {
    const { headers } = await ui.request(path);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(
      policy,
      /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
    );
    assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/);
    assert.ok(!policy.includes("unsafe") && !policy.includes("http"), policy);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("access-control-allow-origin"), null);
  }
  const html = await (await ui.request("/")).text();
  assert.ok(!/<script>|\son\w+=|style=|https?:/.test(html), html);
  // The namespaces of SVG and HTML are not requested.
  const script = await (await ui.request("/page.js")).text();
  const hosts = [...script.matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host);
  assert.deepEqual(hosts.filter((host) => host !== "www.w3.org"), []);
  assert.ok(!/url\((?!["']?data:)/.test(await (await ui.request("/page.css")).text()));
});

test("ui: requests under another host name are refused", async () => {
  await using place = await temporary();
  await using ui = openUi(place.wal);
  const status = async (host: string): Promise<number> =>
    (await ui.request("/", { headers: { host } })).status;
  for (const host of ["127.0.0.1:4711", "localhost:8080", "LOCALHOST:1", "[::1]:4711"]) {
    assert.equal(await status(host), 200, host);
  }
  for (const host of ["evil.example", "evil.example:4711", "127.0.0.1.evil.example", "0.0.0.0:1"]) {
    assert.equal(await status(host), 403, host);
  }
});

test("ui: other web pages cannot change anything", async () => {
  await using place = await temporary();
  await using ui = openUi(place.wal);
  const post = async (headers: Record<string, string>): Promise<number> =>
    (await ui.request("/api/dead-letters/retry", { method: "POST", headers, body: "{}" })).status;
  assert.equal(await post({ ...JSON_TYPE, origin: "http://evil.example" }), 403);
  assert.equal(await post({ ...JSON_TYPE, origin: "http://127.0.0.1:9999" }), 403);
  assert.equal(await post({ ...JSON_TYPE, origin: "null" }), 403);
  assert.equal(await post({ "content-type": "text/plain" }), 403);
  assert.equal(await post({ ...JSON_TYPE, origin: "http://127.0.0.1:4711" }), 200);
});

test("ui: the address that a browser is started with works once and has no token", async () => {
  await using place = await temporary();
  await using ui = openUi(place.wal);
  assert.equal((await ui.raw(`/open/${OPEN_CODE.replace("f", "0")}`)).status, 403);
  const answers = await Promise.all([1, 2].map(() => ui.raw(`/open/${OPEN_CODE}`)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [302, 403]);
  const first = answers.find(({ status }) => status === 302)!;
  assert.equal(first.headers.get("location"), `/${TOKEN}/`);
  assert.equal((await ui.raw(`/open/${OPEN_CODE}`)).status, 403);
});

test("ui: the command starts a browser with the address that works once", async () => {
  await using place = await temporary();
  const seen = join(place.path, "seen");
  const browser = join(place.path, "xdg-open");
  writeFileSync(browser, `#!/bin/sh\necho "$1" > ${seen}.tmp && mv ${seen}.tmp ${seen}\n`);
  chmodSync(browser, 0o755);
  const ui = startCli(["ui"], {
    cwd: place.path,
    // Whichever of these this platform uses to open URLs is run.
    env: { PATH: `${place.path}:${process.env.PATH}`, BROWSER: browser },
  });
  await ui.sees("Stop: Ctrl-C");
  while (!existsSync(seen)) await new Promise((resolve) => setTimeout(resolve, 20));
  const address = readFileSync(seen, "utf8").trim();
  const token = /([0-9a-f]{64})\/\n/.exec(ui.out())![1];
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/open\/[0-9a-f]{64}$/);
  assert.ok(!address.includes(token), "other users can read command lines");
  const opened = await fetch(address, { redirect: "manual" });
  await opened.body?.cancel();
  assert.equal(opened.headers.get("location"), `/${token}/`);
  ui.kill("SIGTERM");
  assert.equal((await ui.ended).code, 143);
}, { ...SLOW, skip: process.platform === "linux" ? false : "needs xdg-open" });

test("ui: the command prints its address, listens on loopback, and ends with Ctrl-C", async () => {
  await using place = await temporary();
  const ui = startCli(["ui", "--no-open"], { cwd: place.path });
  await ui.sees("Stop: Ctrl-C");
  const [, port, token] = /http:\/\/127\.0\.0\.1:(\d+)\/([0-9a-f]{64})\/\n/.exec(ui.out())!;
  const get = (path: string, host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode!));
      }).once("error", reject).end();
    });
  assert.equal(await get(`/${token}/`, `127.0.0.1:${port}`), 200);
  assert.equal(await get(`/${token}/api/status`, `localhost:${port}`), 200);
  assert.equal(await get(`/${token}/`, "evil.example"), 403);
  assert.equal(await get("/", `127.0.0.1:${port}`), 404);
  const second = startCli(["ui", "--no-open", "--port", port], { cwd: place.path });
  const { code, err } = await second.ended;
  assert.equal(code, 2);
  assert.match(err, /Cannot listen on 127\.0\.0\.1:\d+: the port is in use/);
  ui.kill("SIGINT");
  assert.equal((await ui.ended).code, 130);
}, SLOW);
