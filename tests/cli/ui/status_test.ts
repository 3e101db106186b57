import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import type { StatusView } from "../../../src/cli/ui/api_types.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { startProgram, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { openUi, type UiFixture } from "../../support/cli/ui_fixture.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SERVER = "http://127.0.0.1:9";
const SLOW = { timeout: 120_000 };

/** Polls the status, as a page does, until it meets a condition. */
async function statusWhere(
  ui: UiFixture,
  meets: (status: StatusView) => boolean,
): Promise<StatusView> {
  for (;;) {
    const status = await ui.get<StatusView>("status");
    if (meets(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("ui: the status reports that there are no logs, and shows them once they are written", async () => {
  await using place = await temporary();
  await using ui = openUi(place.wal);
  const first = await statusWhere(ui, (status) => status.report !== null);
  assert.deepEqual(
    [first.report!.hasLogs, first.report!.projects, first.place, first.error],
    [false, [], place.wal, null],
  );
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 3);
  const later = await statusWhere(ui, ({ report }) => report!.totals.pendingRecords === 6);
  assert.equal(later.report!.hasLogs, true);
  await log.finish();
  rmSync(place.wal, { recursive: true });
  const last = await statusWhere(ui, ({ report }) => !report!.hasLogs);
  assert.equal(last.report!.totals.pendingRecords, 0);
  assert.equal(last.error, null);
  const again = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(again, NAME, 1);
  await again.finish();
  const { samples } = await statusWhere(ui, ({ report }) => report!.totals.pendingRecords === 2);
  // Deleted records were not delivered.
  assert.deepEqual(samples.filter(({ sent }) => sent! > 0), []);
});

test("ui: the status shows a writing program, and that it was killed", async () => {
  await using place = await temporary();
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, SERVER, "forever"], {
    cwd: place.path,
  });
  await writer.prints();
  await using ui = openUi(place.wal);
  const running = await statusWhere(
    ui,
    ({ report, samples }) => report !== null && samples.some(({ written }) => written! > 0),
  );
  const [project] = running.report!.projects;
  assert.deepEqual([project.label, project.sender.state], [NAME, "nobody"]);
  assert.ok(project.pendingBytes > 0 && project.written! > 0);
  const [process] = running.report!.writers;
  assert.deepEqual(
    [process.project, process.name, process.liveness, process.sends, process.server],
    [NAME, `pid ${writer.pid}`, "alive", false, SERVER],
  );
  assert.match(running.report!.advice[0].message, /no process to send them|no process sends/i);
  writer.kill("SIGKILL");
  await writer.ended;
  await statusWhere(ui, ({ report }) => report!.writers[0].liveness === "dead");
}, SLOW);

test("ui: pages share one report per second, and get only new samples", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 3);
  await log.finish();
  const runtime = detectRuntime();
  const { clock } = runtime;
  let passed = 0;
  await using ui = openUi(place.wal, {
    runtime: {
      ...runtime,
      clock: {
        now: () => clock.now(),
        monotonic: () => passed,
        after: (ms, run, options) => clock.after(ms, run, options),
      },
    },
  });
  const first = await statusWhere(ui, ({ report }) => report !== null);
  const others = await Promise.all(Array.from({ length: 20 }, () => ui.get<StatusView>("status")));
  const last = await ui.get<StatusView>("status");
  assert.deepEqual(
    [...others, last].filter(({ report }) => report!.at !== first.report!.at),
    [],
    "no second has passed",
  );
  passed = 1_000;
  const { samples } = await statusWhere(ui, (status) => status.samples.length === 2);
  const rest = await ui.get<StatusView>("status", { since: samples[0].at });
  assert.deepEqual(rest.samples, [samples[1]]);
});
