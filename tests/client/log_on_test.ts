import assert from "node:assert/strict";
import { clientFixture } from "../support/client/client_fixture.ts";
import { MemoryDisk } from "../support/simulated_runtime/memory_disk.ts";
import { MEMORY_USER } from "../support/simulated_runtime/memory_names.ts";
import { test } from "../harness.ts";

test("start: one line reports the log, its location and the destination of its records", async () => {
  const events: string[] = [];
  using fixture = await clientFixture({
    wal: true,
    walDir: "/logs",
    onEvent: ({ level, name }) => events.push(`${level} ${name}`),
  });
  assert.deepEqual(fixture.warned, [
    "weave-wal: team/demo: log on; records are written to /logs/team/demo and sent to " +
    "https://trace.wandb.ai",
  ]);
  assert.deepEqual(fixture.printed, []);
  assert.deepEqual(events, ["info log-on"]);
});

test("start: a process without a sender logs which process sends", async () => {
  const env = { WF_TRACE_SERVER_URL: "https://trace.example.com", WEAVE_DISABLE_WAL_SENDER: "1" };
  using fixture = await clientFixture({ wal: true }, { env, cwd: "/app" });
  assert.deepEqual(fixture.warned, [
    "weave-wal: team/demo: log on; records are written to /app/.weave/wal/team/demo and not sent " +
    "by this process (the sender is off); `weave-wal flush --follow` sends them to " +
    "https://trace.example.com",
  ]);
});

test("start: nothing is logged without the log, without tracing and above level info", async () => {
  for (const options of [{}, { wal: true, disabled: true }, { wal: true, logLevel: "warning" }]) {
    using fixture = await clientFixture(options as Parameters<typeof clientFixture>[0]);
    assert.deepEqual(fixture.warned, []);
  }
});

test("start: the directory is shown with escapes, because a planted weave.jsonc may set it", async () => {
  using fixture = await clientFixture({ wal: true, walDir: "/\u001b[31mlogs\u009b2J" });
  assert.equal(fixture.warned.length, 1);
  assert.ok(fixture.warned[0].includes("/\\u001b[31mlogs\\u009b2J/team/demo"), fixture.warned[0]);
});

test("start: a directory that other users can change is warned about", async () => {
  for (
    const [owner, mode, reason] of [
      [4711, 0o755, "it belongs to user 4711, and this process runs as user 1000"],
      [MEMORY_USER, 0o777, "every user may write to it (mode 0777)"],
    ] as const
  ) {
    const disk = new MemoryDisk();
    disk.put("/logs/.gitignore", "*");
    disk.own("/logs", { owner, mode });
    using fixture = await clientFixture({ wal: true, walDir: "/logs" }, { disk });
    assert.deepEqual(fixture.warned.slice(1), [
      `weave-wal: /logs: ${reason}. Other users can add, change and delete log files there. Use a ` +
      "directory that belongs to this user, with mode 0700 (WEAVE_WAL_DIR)",
    ]);
  }
});
