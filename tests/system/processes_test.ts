import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "../harness.ts";
import { ownRuntime } from "../support/processes/child_fixture.ts";
import { deliverTheirOwn, takeOverFromKilled } from "../support/processes/crowd_scenarios.ts";
import { apart, senderOf, withCrowd } from "../support/processes/processes_fixture.ts";

/** The sixteen children run on all runtimes, whichever runtime starts them. */
const elsewhere = ownRuntime !== "node" && "npm run test:all starts them from this runtime too";
const noNamespaces = apart === null && "PID namespaces cannot be made here";

test(
  "processes: sixteen that write and send each deliver their own, once",
  () => withCrowd(deliverTheirOwn),
  { timeout: 240_000, skip: elsewhere },
);

test(
  "processes: of sixteen six are killed; the others send what they left, one for each log",
  () => withCrowd(takeOverFromKilled),
  { timeout: 240_000, skip: elsewhere },
);

test(
  "processes: a stopped sender that wakes sends nothing of what was taken over",
  () =>
    withCrowd(async (crowd) => {
      const { mock } = crowd.ground;
      const slow = mock.faults.add({ delayMs: 50 });
      // One record per batch, starts and ends alternately: one request at a time.
      const options = { batchRecords: 1 };
      // On this host it would be seen to be alive, and nobody would claim its log.
      const stopped = crowd.start({ calls: 300, options }, { under: [...apart!] });
      await crowd.until(() => crowd.hasSome(stopped));
      // It would rewrite what it has written since its last heartbeat.
      await stopped.child.line("waits");
      const [log] = crowd.logsOf(1);
      await crowd.untilHeartbeats(log);
      const taker = crowd.start({ calls: 1 });
      await taker.child.line("waits");
      // A request that is in progress when the process is suspended is sent when it
      // resumes: the server accepts that one, and does not respond.
      slow.remove();
      const held = mock.faults.add({ bodyHas: `${stopped.name}-`, hang: true });
      await crowd.until(() => held.hits > 0);
      crowd.signal(stopped, "SIGSTOP");
      held.remove();
      mock.faults.add({ delayMs: 50 });
      await crowd.until(() => crowd.hasAll([stopped]));
      const before = mock.journal.total;
      crowd.signal(stopped, "SIGCONT");
      await crowd.finish([taker, stopped]);
      // Its request timed out meanwhile, so it probes the server without sending a
      // record.
      const after = mock.journal.entries.slice(before)
        .filter((entry) => senderOf(entry) === stopped.name && entry.body?.includes("child"));
      assert.deepEqual(after, []);
      crowd.assertOneSenderEach((from) => from === stopped.name);
      crowd.ground.compare(0);
    }),
  { timeout: 240_000, skip: noNamespaces },
);

test(
  "processes: a PID that is used again does not keep the log of the dead",
  () =>
    withCrowd(async (crowd) => {
      // In its own namespace, the next PID can be chosen: first the writer gets it, then
      // another process.
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
  { timeout: 240_000, skip: noNamespaces },
);

test(
  "processes: PID 1 in containers on one volume, one killed, one stopped: nothing is lost",
  () =>
    withCrowd(async (crowd) => {
      const under = [...apart!];
      crowd.ground.mock.faults.add({ delayMs: 5 });
      // No timer of it fires, so only its appends are evidence that it is alive.
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
      // Neither sends heartbeats, and both are presumed dead; one of them is not.
      await crowd.until(() => crowd.hasAll([killed, stopped]));
      await crowd.untilGone(log);
      crowd.signal(stopped, "SIGCONT");
      await crowd.untilReported(stopped, 20);
      await crowd.kill(stopped);
      await crowd.until(() => crowd.hasAll([stopped]));
      crowd.assertOneSenderEach();
      await crowd.finish();
    }),
  { timeout: 240_000, skip: noNamespaces },
);
