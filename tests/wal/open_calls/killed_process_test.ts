/**
 * Real processes on all runtimes: calls interrupted by SIGKILL, and a recovery
 * interrupted by SIGKILL.
 *
 * @module
 */

import assert from "node:assert/strict";
import { INTERRUPTED } from "../../../src/wal/open_calls/open_calls.ts";
import { startChild } from "../../support/processes/child_fixture.ts";
import { DeliveryFixture } from "../../support/delivery/delivery_fixture.ts";
import type { InterruptedPlan } from "../../support/wal/programs/interrupted_child.ts";
import { test } from "../../harness.ts";

const ROUNDS = 60;
const PROGRAM = "support/wal/programs/interrupted_child.ts";

for (const sender of [true, false]) {
  for (const callMode of ["new", "old"] as const) {
    const who = sender ? "a process that sends" : "a process that only writes";
    test(
      `kill: calls that SIGKILL cuts off are closed once, ${who}, ${callMode} calls API`,
      async () => {
        const fixture = await DeliveryFixture.start({ callMode, journalBodies: true });
        const plan: InterruptedPlan = {
          serverUrl: fixture.mock.url,
          walDir: fixture.walDir,
          does: "calls",
          sender,
          rounds: ROUNDS,
        };
        const run = (does: InterruptedPlan["does"], sends: boolean) =>
          startChild(PROGRAM, JSON.stringify({ ...plan, does, sender: sends }));
        try {
          const first = run("calls", sender);
          await first.line("hanging");
          first.kill("SIGKILL");
          await first.ended;
          const outage = fixture.mock.faults.add({ status: 503 });
          const second = run("recovers", true);
          await fixture.mock.waitFor(() => isClosing(fixture), { timeout: 60_000 });
          second.kill("SIGKILL");
          await second.ended;
          outage.remove();
          const third = fixture.open();
          assert.equal((await third.flush()).done, true);
          const calls = [...fixture.mock.store.project("team/project").calls.list()];
          assert.equal(calls.length, ROUNDS + 3);
          const cut = calls.filter(({ exception }) =>
            exception !== undefined && exception !== null
          );
          assert.deepEqual(
            cut.map(({ op_name, exception, summary }) => [
              /\/op\/(\w+)/.exec(op_name as string)![1],
              exception,
              (summary as { status_counts: unknown }).status_counts,
            ]).sort(),
            [
              ["inner", INTERRUPTED, { success: ROUNDS, error: 1 }],
              ["outer", INTERRUPTED, { success: ROUNDS + 1, error: 2 }],
            ],
          );
          assert.ok(calls.every(({ ended_at }) => typeof ended_at === "string"));
          assert.equal(new Set(endings(fixture)).size, 2, "the same at every attempt");
          assert.deepEqual(
            fixture.files().filter((name) => /\.(jsonl|open|closing|closed)$/.test(name)),
            [],
          );
          assert.deepEqual(fixture.allFiles().filter((name) => name.endsWith(".deadletter")), []);
        } finally {
          await fixture.stop();
        }
      },
      { timeout: 180_000 },
    );
  }
}

/** The ends of interrupted calls, as they were sent. */
function endings({ mock }: DeliveryFixture): string[] {
  const end = /"id":"([^"]+)"[^{}]*?"ended_at":"([^"]+)","exception":"Interr/g;
  return mock.journal.entries.flatMap(({ body = "" }) =>
    [...body.matchAll(end)].map(([, id, at]) => `${id} ${at}`)
  );
}

/** Whether a closing segment exists. */
function isClosing(fixture: DeliveryFixture): boolean {
  return fixture.files().some((name) => /^\d{17}999_\w+\.jsonl$/.test(name));
}
