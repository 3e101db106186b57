import assert from "node:assert/strict";
import { parseListenAddress } from "../../../src/cli/metrics/metrics_server.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { startCli, startProgram, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SERVER = "http://127.0.0.1:9";
const SLOW = { timeout: 120_000 };

test("status --openmetrics prints the same data as status", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER, maxDiskBytes: 3_000 });
  writeCalls(log, NAME, 20);
  const { pendingRecords, pendingBytes, dropped, appended } = await log.stats();
  await log.finish();
  const { code, out } = await cli(["status", "--openmetrics"], { cwd: place.path });
  assert.equal(code, 0);
  const project = 'entity="acme",project="chat"';
  const has = (line: string) => assert.ok(out.includes(`\n${line}`), `${line}\n${out}`);
  has(`weave_wal_pending_records{${project}} ${pendingRecords}\n`);
  has(`weave_wal_pending_bytes{${project}} ${pendingBytes}\n`);
  has(`weave_wal_pending_segments{${project},held_by="nobody"} 1\n`);
  has(`weave_wal_writers{${project},state="closed"} 1\n`);
  assert.match(out, new RegExp(`\\nweave_wal_appended_records_total\\{.*\\} ${appended}\\n`));
  const lost = new RegExp(
    `_dropped_records_total\\{.*cause="quota-new"\\} ${dropped["quota-new"]}\\n`,
  );
  assert.match(out, lost);
  assert.ok(out.endsWith("# EOF\n"));
  const both = await cli(["status", "--openmetrics", "--json"], { cwd: place.path });
  assert.equal(both.code, 2);
}, SLOW);

test("flush --follow --metrics serves the metrics in the requested format", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const log = openLog(place.wal, NAME, { server: mock.url });
  writeCalls(log, NAME, 3);
  await log.finish();
  const around = {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "secret-key" },
  };
  const follow = startCli(["flush", "--follow", "--metrics", "0"], around);
  await follow.sees("Serving metrics at ");
  const [, url] = /Serving metrics at (http:\/\/127\.0\.0\.1:\d+\/metrics)/.exec(follow.err())!;
  await mock.waitFor((store) => store.finishedCount(NAME) === 3, { timeout: 60_000 });
  let text = "";
  while (!/_delivered_records_total\{.*\} 6\n/.test(text)) {
    const response = await fetch(url, { headers: { accept: "application/openmetrics-text" } });
    assert.match(response.headers.get("content-type")!, /^application\/openmetrics-text/);
    text = await response.text();
  }
  assert.match(text, /_sender_state\{.*state="up"\} 1\n/);
  assert.ok(text.endsWith("# EOF\n") && !text.includes("secret-key"));
  const plain = await fetch(url);
  assert.match(plain.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  assert.ok(!(await plain.text()).includes("# EOF"));
  const port = new URL(url).port;
  const second = await cli(["flush", "--follow", "--metrics", port], around);
  assert.equal(second.code, 2);
  assert.match(second.err, new RegExp(`Cannot serve --metrics on 127\\.0\\.0\\.1:${port}`));
  follow.kill("SIGTERM");
  assert.equal((await follow.ended).code, 0);
}, SLOW);

test("client.metrics() reports what its process wrote, dropped and delivered", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const { out, err } = await startProgram("tests/support/cli/metrics_program.ts", [], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "key", WEAVE_ENABLE_WAL: "true" },
  }).ended;
  assert.match(out, /weave_wal_pending_records\{entity="acme",project="chat"\} 0\n/, err);
  assert.match(out, /weave_wal_appended_records_total\{.*\} [1-9]\d*\n/);
  assert.match(out, /weave_wal_delivered_records_total\{.*\} [1-9]\d*\n/);
  assert.match(out, /weave_wal_quota_limit_bytes\{.*\} \d+\n/);
  assert.match(out, /# EOF\n# HELP [^]*# TYPE weave_wal_appended_records_total counter/);
}, SLOW);

test("--metrics listens on the loopback address unless another one is given", () => {
  const read = (text: string) => Object.values(parseListenAddress(text)).join(" ");
  assert.equal(read("9464"), "127.0.0.1 9464");
  assert.equal(read(":9464"), "127.0.0.1 9464");
  assert.equal(read("0.0.0.0:80"), "0.0.0.0 80");
  assert.equal(read("[::1]:9464"), "::1 9464");
  assert.equal(read("localhost:1"), "localhost 1");
  for (const wrong of ["", "host", "1.2.3.4:", "host:70000", "a b:1", "::1:9464"]) {
    assert.throws(
      () => parseListenAddress(wrong),
      /Expected an address such as 127\.0\.0\.1:9464/,
      wrong,
    );
  }
});
