import assert from "node:assert/strict";
import { readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { INTERRUPTED } from "../../../src/wal/open_calls/open_calls.ts";
import { startChild } from "../../support/processes/child_fixture.ts";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import type { InterruptedPlan } from "../../support/wal/programs/interrupted_child.ts";
import { sending } from "../../support/cli/flush_fixture.ts";
import { test } from "../../harness.ts";

const ROUNDS = 3;

for (const sender of [true, false]) {
  const who = sender ? "that had sent all" : "that only wrote";
  test(
    `flush closes the calls of a killed process ${who}; inspect and status show them`,
    async () => {
      await using place = await temporary();
      await using mock = await startMockServer();
      const plan: InterruptedPlan = {
        serverUrl: mock.url,
        walDir: place.wal,
        does: "calls",
        sender,
        rounds: ROUNDS,
      };
      const child = startChild("support/wal/programs/interrupted_child.ts", JSON.stringify(plan));
      await child.line("hanging");
      child.kill("SIGKILL");
      await child.ended;
      const surroundings = sending(place.path, mock.url);
      const own = ["--dir", place.wal];
      const verified = await cli(["verify", ...own], surroundings);
      assert.equal(verified.code, 0, verified.out);
      if (!sender) {
        const { out } = await cli(["inspect", "--tree", ...own], surroundings);
        assert.match(out, /outer .*no end yet\n[\s\S]*inner .*no end yet/);
      }
      await mock.stop();
      await cli(["flush", "--timeout", "1", ...own], surroundings);
      if (!sender) {
        const { out } = await cli(["inspect", "--tree", ...own], surroundings);
        assert.match(out, /outer .*✗ Interrupted: [\s\S]*inner .*✗ Interrupted: /);
      }
      await mock.restart();
      const flushed = await cli(["flush", ...own], surroundings);
      assert.equal(flushed.code, 0, flushed.out);
      const cut = mock.store.calls("team/project").filter(({ exception }) => exception != null);
      assert.deepEqual(cut.map(({ exception }) => exception), [INTERRUPTED, INTERRUPTED]);
      assert.equal(mock.store.calls("team/project").length, ROUNDS + 3);
      const { out } = await cli(["status", "--json", ...own], surroundings);
      const { totals } = JSON.parse(out) as { totals?: { pendingRecords?: number } };
      assert.equal(totals?.pendingRecords ?? 0, 0, out);
    },
    { timeout: 120_000 },
  );
}

test(
  "flush closes the calls of a killed process of which no other file is left; status tells of it",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const plan: InterruptedPlan = {
      serverUrl: mock.url,
      walDir: place.wal,
      does: "calls",
      sender: true,
      rounds: ROUNDS,
      segmentBytes: 1,
    };
    const names = () => readdirSync(join(place.wal, "team", "project"));
    const child = startChild("support/wal/programs/interrupted_child.ts", JSON.stringify(plan));
    await child.line("hanging");
    const changed = watch(join(place.wal, "team", "project"));
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (names().every((name) => name.startsWith(".") || name.endsWith(".open"))) resolve();
      };
      changed.on("change", look);
      look();
    });
    changed.close();
    child.kill("SIGKILL");
    await child.ended;
    const surroundings = sending(place.path, mock.url);
    const own = ["--dir", place.wal];
    const before = await cli(["status", ...own], surroundings);
    assert.match(before.out, /! team\/project {2}Calls of 1 process that has ended have no end/);
    await mock.stop();
    const away = await cli(["flush", "--timeout", "1", ...own], surroundings);
    assert.equal(away.code, 1, away.out);
    assert.match(away.out, /Still on disk: .* the time ran out/);
    await mock.restart();
    const flushed = await cli(["flush", ...own], surroundings);
    assert.equal(flushed.code, 0, flushed.out);
    assert.match(flushed.out, /Delivered 2 records/);
    const cut = mock.store.calls("team/project").filter(({ exception }) => exception != null);
    assert.deepEqual(cut.map(({ exception }) => exception), [INTERRUPTED, INTERRUPTED]);
    const after = await cli(["status", "--json", ...own], surroundings);
    const { projects } = JSON.parse(after.out) as { projects: { interrupted: number }[] };
    assert.deepEqual(projects.map(({ interrupted }) => interrupted), [0]);
  },
  { timeout: 120_000 },
);
