/**
 * The exit of a program behind a proxy, whatever the proxy and the network behind it do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BAD_NETWORKS, noBlackHole } from "../../support/network/bad_network.ts";
import { startForwardProxy, startTls } from "../../support/network/forward_proxy.ts";
import { startSocksProxy } from "../../support/network/socks_proxy.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

const HOST = "trace.test";
/**
 * `exitDrainMs`, half a second, and a margin for a busy machine. Failures take ten
 * seconds (Node's connect timeout) or thirty (`timeoutMs`).
 */
const ENOUGH_MS = 9_000;

const PROGRAM = `
  import { existsSync } from "node:fs";
  import process from "node:process";
  import { init, op } from "./weave_wal.mjs";
  await init("team/exit", { wal: true });
  // More than the buffers of a connection take.
  const answer = op(function answer() { return "x".repeat(900_000); });
  for (let i = 0; i < 8; i++) answer();
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  // In the middle of an attempt: on a busy machine the first one begins late.
  const { ATTEMPTED } = process.env;
  for (let i = 0; ATTEMPTED && !existsSync(ATTEMPTED) && i < 400; i++) await wait(50);
  await wait(2_000);
  console.log("done");
`;

/** Runs with the environment of a program whose connection to the server passes through `bad`. */
type Way = (bad: string, run: (env: Record<string, string>) => Promise<void>) => Promise<void>;

const WAYS: Record<string, Way> = {
  "a faulty proxy": (bad, run) =>
    run({ WF_TRACE_SERVER_URL: `http://${HOST}`, HTTP_PROXY: bad, WEAVE_WAL_ALLOW_HTTP: HOST }),
  "a tunnel of a faulty proxy": (bad, run) =>
    run({ WF_TRACE_SERVER_URL: `https://${HOST}`, HTTPS_PROXY: bad }),
  "a faulty SOCKS proxy": (bad, run) =>
    run({ WF_TRACE_SERVER_URL: `https://${HOST}`, ALL_PROXY: bad.replace("http", "socks5") }),
  "a SOCKS tunnel to a faulty server": async (bad, run) => {
    await using proxy = await startSocksProxy({ [HOST]: Number(new URL(bad).port) });
    await run({
      WF_TRACE_SERVER_URL: `http://${HOST}`,
      ALL_PROXY: `socks5://${proxy.host}`,
      WEAVE_WAL_ALLOW_HTTP: HOST,
    });
    assert.ok(proxy.requests.length > 0, "the request bypassed the proxy");
  },
  "a tunnel to a faulty server": async (bad, run) => {
    await using tls = await startTls(HOST, Number(new URL(bad).port));
    await using proxy = await startForwardProxy({ [HOST]: tls.port });
    const attempted = join(mkdtempSync(join(tmpdir(), "weave-wal-exit-")), "attempted");
    const watch = setInterval(() => {
      if (proxy.requests.length > 0) writeFileSync(attempted, "");
    }, 50);
    await run({
      ATTEMPTED: attempted,
      WF_TRACE_SERVER_URL: `https://${HOST}`,
      HTTPS_PROXY: proxy.url,
      NODE_EXTRA_CA_CERTS: tls.authority,
      DENO_CERT: tls.authority,
    }).finally(() => {
      clearInterval(watch);
      rmSync(dirname(attempted), { recursive: true });
    });
    assert.ok(proxy.requests.length > 0, "the request bypassed the proxy");
  },
};

for (const [way, through] of Object.entries(WAYS)) {
  test(`exit: a program ends within the bound, through ${way}`, async () => {
    const kinds = Object.entries(BAD_NETWORKS)
      .filter(([what]) => what !== "packets dropped" || !noBlackHole);
    await Promise.all(kinds.map(async ([what, network]) => {
      await using bad = await network();
      await through(bad.url, async (env) => {
        using project = new UserProject();
        project.copy("weave_wal.mjs");
        project.write("main.mjs", PROGRAM);
        const { code, errors, lastMs } = await project.run("main.mjs", { env });
        assert.equal(code, 0, errors);
        assert.ok(lastMs < ENOUGH_MS, `${what}: ${lastMs} ms\n${errors}`);
        assert.equal(project.logs("team/exit").length, 1, "the call waits on disk");
      });
    }));
  });
}
