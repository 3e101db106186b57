import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { startCli, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { freePorts } from "../../support/network/free_ports.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const isThere = spawnSync("prometheus", ["--version"], { stdio: "ignore" }).status === 0;
const skip = isThere ? false : "prometheus is not installed (Debian: apt-get install prometheus)";
/** Ms between queries: Prometheus does not notify anyone of its scrapes. */
const ASK_MS = 100;

/** Queries a running Prometheus until the value is `wanted`; returns the labels of its series. */
async function becomes(
  base: string,
  query: string,
  wanted: string,
): Promise<Record<string, string>> {
  for (;;) {
    try {
      const url = `${base}/api/v1/query?query=${encodeURIComponent(query)}`;
      const { data: { result } } = await (await fetch(url)).json();
      if (result[0]?.value[1] === wanted) return result[0].metric;
    } catch {
      // It is not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
}

test(
  "a running Prometheus scrapes flush --follow --metrics, and sees records wait and go",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const log = openLog(place.wal, NAME, { server: mock.url });
    writeCalls(log, NAME, 3);
    await log.finish();
    const outage = mock.faults.add({ status: 503 });
    const follow = startCli(["flush", "--follow", "--metrics", "127.0.0.1:0"], {
      cwd: place.path,
      env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "secret-key" },
    });
    await follow.sees("Serving metrics at ");
    const target = /Serving metrics at http:\/\/([\d.]+:\d+)\/metrics/.exec(follow.err())![1];
    const config = join(place.path, "prometheus.yml");
    writeFileSync(
      config,
      "global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n" +
        `  - { job_name: weave-wal, static_configs: [{ targets: ["${target}"] }] }\n`,
    );
    const [port] = await freePorts(1);
    const base = `http://127.0.0.1:${port}`;
    const prometheus = spawn("prometheus", [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(place.path, "tsdb")}`,
      `--web.listen-address=${base.slice("http://".length)}`,
    ], { stdio: "ignore" });
    const ended = new Promise((resolve) => prometheus.once("exit", resolve));
    try {
      const up = await becomes(base, "up", "1");
      assert.deepEqual([up.job, up.instance], ["weave-wal", target]);
      const pending = await becomes(base, "weave_wal_pending_records", "6");
      assert.deepEqual([pending.entity, pending.project], ["acme", "chat"]);
      await becomes(base, 'weave_wal_sender_state{state="down"}', "1");
      outage.remove();
      await becomes(base, "weave_wal_pending_records", "0");
      await becomes(base, "sum(weave_wal_delivered_records_total)", "6");
    } finally {
      prometheus.kill("SIGKILL");
      await ended;
      follow.kill("SIGTERM");
      await follow.ended;
    }
  },
  { timeout: 120_000, skip },
);
