import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "../harness.ts";
import type { ChildRuntime } from "../support/child_fixture.ts";
import { apart, Crowd, senderOf } from "../support/processes_fixture.ts";

const RUNTIMES: readonly ChildRuntime[] = ["deno", "bun", "node"];
const noNamespaces = apart === null && "PID namespaces cannot be made here";

async function withCrowd(body: (crowd: Crowd) => Promise<void>): Promise<void> {
  const crowd = await Crowd.open();
  try {
    await body(crowd);
  } finally {
    await crowd.close();
  }
}

test(
  "processes: sixteen that write and send each deliver their own, once",
  () =>
    withCrowd(async (crowd) => {
      crowd.ground.mock.faults.add({ delayMs: 5 });
      for (let n = 0; n < 16; n++) crowd.start({}, { runtime: RUNTIMES[n % 3] });
      await Promise.all(crowd.members.map(({ child }) => child.line("waits")));
      await crowd.finish();
      crowd.ground.compare(0);
      crowd.assertSentOnce();
      for (const [writer, entries] of crowd.requestsByWriter()) {
        for (const entry of entries) assert.equal(senderOf(entry), writer);
      }
      assert.equal(crowd.requestsByWriter().size, 16);
    }),
  { timeout: 90_000 },
);

test(
  "processes: of sixteen six are killed; the others send what they left, one for each log",
  () =>
    withCrowd(async (crowd) => {
      crowd.ground.mock.faults.add({ delayMs: 20 });
      for (let n = 0; n < 16; n++) crowd.start({ calls: 100 }, { runtime: RUNTIMES[n % 3] });
      const killed = crowd.members.filter((_, n) => n % 5 < 2).slice(0, 6);
      // Each in the middle of its sending: the server has the first of its records, not the last.
      for (const member of killed) {
        await crowd.until(() => crowd.hasSome(member));
        await crowd.kill(member);
      }
      assert.ok(!crowd.hasAll(killed), "they left something");
      await crowd.until(() => crowd.hasAll(killed));
      crowd.assertOneSenderEach();
      const takers = new Set(
        killed.flatMap(({ name }) => crowd.requestsByWriter().get(name)!.map(senderOf)),
      );
      assert.ok(takers.size > killed.length, "the living took it over, before any of them ended");
      await crowd.finish();
      await crowd.ground.recover(); // Half of a file that a kill fell into says nothing of its maker.
      crowd.ground.compare(killed.length);
    }),
  { timeout: 120_000 },
);

test(
  "processes: a stopped sender that wakes sends nothing of what was taken over",
  () =>
    withCrowd(async (crowd) => {
      const { mock } = crowd.ground;
      const slow = mock.faults.add({ delayMs: 50 });
      // One record a window, starts and ends by turns: one request at a time.
      const stopped = crowd.start({ calls: 300, options: { batchRecords: 1 } });
      await crowd.until(() => crowd.hasSome(stopped));
      const taker = crowd.start({ calls: 1 });
      await taker.child.line("waits");
      // What is just being sent when it is stopped goes out when it wakes: so the server has that one
      // and does not answer.
      slow.remove();
      const held = mock.faults.add({ bodyHas: `${stopped.name}-`, hang: true });
      await crowd.until(() => held.hits > 0);
      crowd.signal(stopped, "SIGSTOP");
      held.remove();
      mock.faults.add({ delayMs: 50 });
      await crowd.until(() => crowd.hasAll([stopped]));
      assert.equal(crowd.logsOf(stopped.child.pid).length, 1, "it lives: its log is not removed");
      const before = mock.journal.total;
      crowd.signal(stopped, "SIGCONT");
      await crowd.finish();
      const after = mock.journal.entries.slice(before).map(senderOf);
      assert.deepEqual(after.filter((name) => name === stopped.name), []);
      crowd.assertOneSenderEach((from) => from === stopped.name);
      crowd.ground.compare(0);
    }),
  { timeout: 120_000 },
);

test(
  "processes: a PID that is used again does not keep the log of the dead",
  () =>
    withCrowd(async (crowd) => {
      // In a namespace of its own the next id can be chosen: first the writer has it, then another.
      const script = `as() { echo 4241 > /proc/sys/kernel/ns_last_pid; "$@" & }
      as "$@"; wait $!
      as sleep 600; echo "again $!"; wait`;
      crowd.ground.mock.faults.add({ delayMs: 100 });
      const writer = crowd.start({ end: "kill" }, { under: [...apart!, "sh", "-c", script, "sh"] });
      assert.equal(await writer.child.line("again"), "again 4242");
      const [log] = crowd.logsOf(4242);
      assert.equal(readFileSync(log.replace(/jsonl$/, "lock"), "utf8"), "4242");
      assert.ok(!crowd.hasAll([writer]), "it left something");
      const sender = crowd.start({ calls: 1 }, { under: crowd.beside(writer) });
      await crowd.until(() => crowd.hasAll([writer]));
      await crowd.untilGone(log);
      crowd.signal(sender, "SIGTERM");
      await sender.child.ended;
      await crowd.kill(writer);
    }),
  { timeout: 90_000, skip: noNamespaces },
);

test(
  "processes: PID 1 in containers on one volume, one killed, one stopped: nothing is lost",
  () =>
    withCrowd(async (crowd) => {
      const under = [...apart!];
      crowd.ground.mock.faults.add({ delayMs: 5 });
      // It lets no timer run, and so shows by its appends alone that it lives.
      const stopped = crowd.start({ way: "busy" }, { under });
      await crowd.untilReported(stopped, 20);
      const [log] = crowd.logsOf(1);
      const killed = crowd.start({ calls: 300 }, { under });
      await crowd.until(() => crowd.hasSome(killed));
      const taker = crowd.start({ calls: 1 }, { under });
      await taker.child.line("waits");
      assert.equal(crowd.logsOf(1).length, 3, "all of them are PID 1");
      crowd.signal(stopped, "SIGSTOP");
      await crowd.kill(killed);
      // Both are silent and taken for dead; one of them is not.
      await crowd.until(() => crowd.hasAll([killed, stopped]));
      await crowd.untilGone(log);
      crowd.signal(stopped, "SIGCONT");
      await crowd.untilReported(stopped, 20);
      await crowd.kill(stopped);
      await crowd.until(() => crowd.hasAll([stopped]));
      crowd.assertOneSenderEach();
      await crowd.finish();
    }),
  { timeout: 120_000, skip: noNamespaces },
);
