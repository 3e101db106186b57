import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cliProcess, startCli, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const MB = 1024 * 1024;
const noProc = existsSync("/proc/self/status") ? false : "peak memory is read from /proc";

/** Leaves a log of about this many MB. */
async function leave(wal: string, megabytes: number, server: string): Promise<number> {
  const log = openLog(wal, NAME, { server, segmentBytes: 1024 * MB });
  const output = "lorem ipsum ".repeat(2_700);
  const calls = megabytes * 32;
  writeCalls(log, NAME, calls, { output });
  await log.finish();
  return calls;
}

/** Runs a command to its end; returns its highest observed memory use, in MB. */
async function peakOf(args: readonly string[], cwd: string, server: string): Promise<number> {
  const env = { WF_TRACE_SERVER_URL: server, WANDB_API_KEY: "key" };
  const command = startCli(args, { cwd, env });
  let peak = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${command.pid}/status`, "utf8");
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has just exited.
    }
  }, 10);
  const { code, err } = await command.ended;
  clearInterval(look);
  assert.equal(code, 0, err);
  return peak;
}

test("reading and sending a log takes no more memory for more of it", async () => {
  await using small = await temporary();
  await using large = await temporary();
  await using mock = await startMockServer({ keepBodies: false });
  await leave(small.wal, 32, mock.url);
  const calls = await leave(large.wal, 128, mock.url);
  const { out } = await cliProcess(["status", "--json"], { cwd: large.path });
  const { pendingRecords, pendingEstimated } = JSON.parse(out);
  assert.equal(pendingEstimated, true);
  const share = pendingRecords / (2 * calls);
  assert.ok(share > 0.8 && share < 1.25, `${pendingRecords} of ${2 * calls}`);
  for (
    const args of [
      ["status", "--json"],
      ["verify"],
      ["inspect", "--tree", "--limit", "1"],
      ["inspect", "--call", "none"],
      ["flush"], // Last, because nothing is left afterwards.
    ]
  ) {
    const growth = await peakOf(args, large.path, mock.url) -
      await peakOf(args, small.path, mock.url);
    assert.ok(growth < 80, `${args.join(" ")} grew by ${growth} MB`);
  }
}, { timeout: 180_000, skip: noProc });
