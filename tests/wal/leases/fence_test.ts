import assert from "node:assert/strict";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { LEASE_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { fence, isFenced, OwnGuard } from "../../../src/wal/leases/fence.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { Apart } from "../../support/wal/apart_fixture.ts";
import { PROJECT } from "../../support/wal/wal_fixture.ts";

/** The operations during which the writer is suspended. */
function work(apart: Apart): void {
  apart.writer.append("second");
  apart.writer.heartbeat();
  apart.writer.append("third");
}

const NAMES = ["first", "second", "third"];

for (const sends of [true, false]) {
  const who = sends ? "a writer that sends" : "a writer that does not send";

  test(`fence: ${who}, suspended before any operation and presumed dead, loses nothing`, () => {
    let operations = 0;
    const counting = new Apart(sends);
    counting.writer.fault = () => void operations++;
    work(counting);
    let taken = 0;
    // The writer is suspended at `stop`; the sender reaches the end at `end`, and removes
    // the segment at `removal`.
    for (let stop = 0; stop <= operations; stop++) {
      for (let end = stop; end <= operations + 2; end++) {
        for (let removal = end; removal <= operations + 4; removal++) {
          const apart = new Apart(sends);
          let at = 0;
          const meanwhile = (): void => {
            if (at === stop) {
              apart.silence();
              apart.judge();
            }
            if (at === end) apart.readToEnd();
            if (at === removal) apart.complete();
            at++;
          };
          apart.writer.fault = () => void meanwhile();
          work(apart);
          apart.writer.fault = () => undefined;
          const done = apart.writer.names().some((name) => name.endsWith(".fence"));
          if (done || apart.read.length > 0) taken++;
          apart.assertThere(NAMES, `stopped at ${stop}, end at ${end}, removed at ${removal}`);
        }
      }
    }
    assert.ok(taken > 100, `it was presumed dead in ${taken} of these`);
  }, { timeout: 120_000 });

  test(`fence: ${who}, suspended together with its clocks, loses nothing`, () => {
    const apart = new Apart(sends, true, new MemoryClock());
    apart.writer.heartbeat();
    apart.silence();
    apart.judge();
    apart.readToEnd();
    assert.ok(apart.writer.names().some((name) => name.endsWith(".fence")), "it is presumed dead");
    apart.writer.append("second"); // By its own clock, its last heartbeat is fresh.
    apart.writer.heartbeat();
    apart.complete();
    apart.assertThere(["first", "second"], "appended behind the end that the sender saw");
  });

  test(`fence: ${who}, resuming while the sender judges it, loses nothing`, () => {
    for (const does of [["heartbeat"], ["append"], ["heartbeat", "append"]]) {
      for (let wake = 0; wake < 30; wake++) {
        const apart = new Apart(sends);
        apart.silence();
        let at = 0;
        apart.sender.fault = () => {
          if (at++ !== wake) return undefined;
          for (const what of does) {
            if (what === "heartbeat") apart.writer.heartbeat();
            else apart.writer.append("second");
          }
          return undefined;
        };
        apart.judge();
        apart.sender.fault = undefined;
        apart.readToEnd();
        apart.writer.append("third");
        apart.complete();
        const names = does.includes("append") && at > wake ? NAMES : ["first", "third"];
        apart.assertThere(names, `resumed at ${wake} for ${does}`);
      }
    }
  });
}

test("fence: a writer that is suspended while creating a segment and loses its lock loses no record", () => {
  let whole = 0;
  for (const sends of [true, false]) {
    let operations = 0;
    const counting = new Apart(sends, false);
    counting.writer.fault = () => void operations++;
    counting.writer.append("second");
    for (let stop = 0; stop <= operations; stop++) {
      for (let end = stop; end <= stop + 4; end++) {
        for (let removal = end; removal <= end + 3; removal++) {
          const apart = new Apart(sends, false);
          let at = 0;
          apart.writer.fault = () => {
            if (at === stop) apart.silence();
            if (at === end) {
              apart.open();
              apart.judge();
              apart.readToEnd();
            }
            if (at++ === removal) apart.complete();
            return undefined;
          };
          // Records whose append throws fail over to memory: their files were removed
          // while being created.
          const kept = ["second", "third"].filter((name) => {
            try {
              apart.writer.append(name);
              return true;
            } catch {
              return false;
            }
          });
          apart.writer.fault = () => undefined;
          whole += kept.length;
          apart.assertThere(
            kept,
            `stopped at ${stop}, end at ${end}, removed at ${removal}`,
          );
        }
      }
    }
  }
  assert.ok(whole > 500, `${whole} records came in`);
});

test("fence: a writer whose program blocks timers sends heartbeats with its appends", () => {
  const apart = new Apart(true);
  for (let ms = 0; ms < 3 * STALE_AFTER_MS; ms += 1_000) {
    apart.world.clock.advance(1_000);
    apart.writer.append(`at ${ms}`);
    apart.open();
    apart.judge();
  }
  assert.equal(apart.writer.texts().length, 1, "it is in its first segment");
  assert.ok(!apart.writer.names().some((name) => name.endsWith(".fence")));
});

test("fence: an append costs one write while heartbeats are fresh, and a check of the disk otherwise", () => {
  const { writer, world } = new Apart(false);
  writer.took("write");
  world.clock.advance(LEASE_MS);
  writer.operations.length = 0;
  writer.append("soon");
  assert.deepEqual(writer.operations, ["write .jsonl"]);
  world.clock.advance(1);
  writer.operations.length = 0;
  writer.append("late");
  assert.ok(
    writer.operations.some((text) => /^replace .*TOKEN/.test(text)),
    writer.operations.join(),
  );
  assert.ok(writer.operations.includes("stat .fence"), writer.operations.join());
  writer.operations.length = 0;
  writer.append("again");
  assert.deepEqual(writer.operations, ["write .jsonl"], "it has sent a heartbeat");
});

test("fence: if heartbeats cannot be written, each append checks for a fence", () => {
  const apart = new Apart(false);
  apart.writer.fault = ({ kind, path }) =>
    kind === "replace" && path.includes(".processes") ? { code: "EIO" } : undefined;
  for (let n = 0; n < 12; n++) {
    apart.world.clock.advance(2_000);
    apart.writer.append(`n${n}`);
    apart.open();
    apart.judge();
    apart.readToEnd();
    apart.complete();
    if (apart.read.length > 0) break;
  }
  assert.ok(apart.read.length > 0, "it was presumed dead");
  apart.writer.fault = () => undefined;
  apart.writer.append("after");
  apart.assertThere(["first", "n0", "after"], "the disk took no heartbeat");
});

test("fence: it outlives its segment, because a suspended writer may resume", () => {
  const apart = new Apart(false);
  apart.writer.runtime.kill();
  apart.silence();
  apart.judge();
  assert.ok(apart.world.names().some((name) => name.endsWith(".fence")));
  apart.readToEnd();
  apart.complete();
  assert.ok(apart.world.names().every((name) => name.endsWith(".fence")));
});

for (const sends of [true, false]) {
  test(`fence: a heartbeat after a lapse does not hide a fence, sender ${sends ? "on" : "off"}`, () => {
    const apart = new Apart(sends);
    apart.silence();
    apart.judge();
    apart.readToEnd();
    apart.complete();
    // The timer fires before the append, and nothing has checked the log yet.
    apart.writer.presence.heartbeat();
    assert.equal(apart.writer.presence.isFresh, true);
    apart.writer.append("second");
    apart.assertThere(["first", "second"], "appended to a deleted segment");
    apart.writer.operations.length = 0;
    apart.writer.append("third");
    assert.deepEqual(apart.writer.operations, ["write .jsonl"], "one look after each lapse");
  });
}

test("fence: the guard of an own segment checks for a fence once after each lapse", () => {
  const { writer, world } = new Apart(true);
  const stem = writer.names()[0].split(".")[0];
  const paths = segmentPaths(PROJECT, stem);
  const { runtime: { files }, presence } = writer;
  const guard = new OwnGuard(files, presence, paths);
  const operations = (work: () => void): string[] => {
    writer.operations.length = 0;
    work();
    return writer.operations.filter((text) => text.startsWith("stat ."));
  };
  assert.deepEqual(operations(() => guard.ensureHeld()), [], "fresh");
  world.clock.advance(LEASE_MS + 1);
  assert.deepEqual(operations(() => guard.ensureHeld()), ["stat .fence"], "a lapse");
  assert.deepEqual(operations(() => guard.ensureHeld()), [], "that lapse is over");
  world.clock.advance(LEASE_MS + 1);
  presence.heartbeat();
  fence(files, paths);
  assert.equal(isFenced(files, paths), true);
  assert.throws(() => guard.ensureHeld(), { code: "ERR_LEASE_LOST" }, "a lapse that a timer ended");
  assert.throws(() => guard.ensureHeld(), { code: "ERR_LEASE_LOST" }, "for good");
  assert.throws(() => guard.assertHeld(), { code: "ERR_LEASE_LOST" });
});

test("fence: concurrent fencing of a segment succeeds for all, and a disk failure is an error", () => {
  const { sender, writer } = new Apart(false);
  const paths = segmentPaths(PROJECT, writer.names()[0].split(".")[0]);
  fence(sender.files, paths);
  fence(sender.files, paths);
  sender.files.remove(paths.fence);
  sender.fault = ({ kind }) => kind === "create" ? { code: "EEXIST" } : undefined;
  fence(sender.files, paths); // Another process was faster.
  sender.fault = ({ kind }) => kind === "create" ? { code: "EROFS" } : undefined;
  assert.throws(() => fence(sender.files, paths), { code: "EROFS" });
});
