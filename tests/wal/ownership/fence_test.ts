import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import type { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import { LEASE_MS, STALE_AFTER_MS } from "../../../src/wal/ownership/failure_detector.ts";
import { Recovery } from "../../../src/wal/ownership/orphan_scanner.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT, SERVER } from "../../support/wal/wal_fixture.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";

/** A writer on one host and a sender on another, which knows it by its heartbeat alone. */
class Apart {
  readonly world = new LogWorld();
  readonly writer: LogFixture;
  readonly sender: MemoryRuntime;
  readonly recovery: Recovery;
  /** Lines that the sender has read up to what it took for the end. */
  readonly read: string[] = [];
  #segment: FileSegment | null = null;
  #sealed = false;

  /** @param clock The writer's; the sender's unless told. */
  constructor(sends: boolean, begun = true, clock: MemoryClock = this.world.clock) {
    const { disk } = this.world;
    const host = new MemoryHost({ name: "elsewhere", bootId: "other", pidNamespace: "pid:[9]" });
    this.writer = new LogFixture(
      { sender: sends, fsync: "never" },
      new MemoryRuntime({ disk, clock, host }),
    );
    this.sender = this.world.process();
    this.recovery = new Recovery({
      runtime: this.sender,
      server: SERVER,
      token: "e".repeat(32),
    });
    this.sender.files.makeDirectory(PROJECT);
    if (begun) this.writer.append("first");
    this.claim();
  }

  /** The sender looks whether there is something to take, and watches the writer from then on. */
  claim(): void {
    this.#segment ??= this.recovery.claim(PROJECT)[0] ?? null;
  }

  /** Time in which the writer does not run; the sender does. */
  silence(): void {
    this.claim();
    this.judge(); // It sees the last heartbeat, if it has not before.
    this.world.clock.advance(STALE_AFTER_MS);
    this.claim();
  }

  /** The sender asks whether this is the end. */
  judge(): void {
    this.#sealed = this.#segment?.isSealed() ?? false;
  }

  /** It reads and sends all that is in front of it. */
  readToEnd(): void {
    if (!this.#sealed) return;
    const bytes = this.world.disk.bytes(`${PROJECT}/${this.#segment!.name}.jsonl`);
    const text = new TextDecoder().decode(bytes.subarray(0, this.#segment!.end()));
    this.read.push(...text.split("\n").slice(0, -1));
  }

  /** It takes the segment away. */
  complete(): void {
    if (this.#sealed) this.#segment!.complete();
  }

  /** Lines that a record must be among, if it is not lost. */
  all(): Set<string> {
    return new Set([...this.read, ...this.writer.texts().flatMap((text) => text.split("\n"))]);
  }

  assertThere(names: readonly string[], when: string): void {
    const all = this.all();
    for (const name of names) {
      assert.ok(all.has(lineOf(name).trimEnd()), `${name} is lost: ${when}`);
    }
  }
}

/** What a writer does that was stopped somewhere in it. */
function work(apart: Apart): void {
  apart.writer.append("second");
  apart.writer.log.beat();
  apart.writer.append("third");
}

const NAMES = ["first", "second", "third"];

for (const sends of [true, false]) {
  const who = sends ? "a writer that sends" : "a writer that does not send";

  test(`seal: ${who}, stopped before any operation and taken for dead, loses nothing`, () => {
    let operations = 0;
    const counting = new Apart(sends);
    counting.writer.fault = () => void operations++;
    work(counting);
    let taken = 0;
    // It stops at `stop`; the sender comes to the end at `end`, and to the removal at `removal`.
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
          const done = apart.writer.names().some((name) => name.endsWith(".seal"));
          if (done || apart.read.length > 0) taken++;
          apart.assertThere(NAMES, `stopped at ${stop}, end at ${end}, removed at ${removal}`);
        }
      }
    }
    assert.ok(taken > 100, `it was taken for dead in ${taken} of these`);
  }, { timeout: 120_000 });

  test(`seal: ${who}, suspended together with its clocks, loses nothing`, () => {
    const apart = new Apart(sends, true, new MemoryClock());
    apart.writer.log.beat();
    apart.silence();
    apart.judge();
    apart.readToEnd();
    assert.ok(apart.writer.names().some((name) => name.endsWith(".seal")), "it is taken for gone");
    apart.writer.append("second"); // By its own clock it has just shown that it lives.
    apart.writer.log.beat();
    apart.complete();
    apart.assertThere(["first", "second"], "appended behind the end that the sender saw");
  });

  test(`seal: ${who}, waking while the sender judges it, loses nothing`, () => {
    for (const does of [["beat"], ["append"], ["beat", "append"]]) {
      for (let wake = 0; wake < 30; wake++) {
        const apart = new Apart(sends);
        apart.silence();
        let at = 0;
        apart.sender.fault = () => {
          if (at++ !== wake) return undefined;
          for (const what of does) {
            if (what === "beat") apart.writer.log.beat();
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
        apart.assertThere(names, `woken at ${wake} for ${does}`);
      }
    }
  });
}

test("seal: a writer that is stopped while it begins, and loses its sidecars, loses no record", () => {
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
              apart.claim();
              apart.judge();
              apart.readToEnd();
            }
            if (at++ === removal) apart.complete();
            return undefined;
          };
          // One that throws goes to memory: its files were cleared away as they were made.
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

test("seal: a writer whose program lets no timer run shows by its appends that it lives", () => {
  const apart = new Apart(true);
  for (let ms = 0; ms < 3 * STALE_AFTER_MS; ms += 1_000) {
    apart.world.clock.advance(1_000);
    apart.writer.append(`at ${ms}`);
    apart.claim();
    apart.judge();
  }
  assert.equal(apart.writer.texts().length, 1, "it is in its first segment");
  assert.ok(!apart.writer.names().some((name) => name.endsWith(".seal")));
});

test("seal: an append costs one write while heartbeats come, and a look when they do not", () => {
  const { writer, world } = new Apart(false);
  writer.took("write");
  world.clock.advance(LEASE_MS);
  writer.operations.length = 0;
  writer.append("soon");
  assert.deepEqual(writer.operations, ["write .jsonl"]);
  world.clock.advance(1);
  writer.operations.length = 0;
  writer.append("late");
  assert.ok(writer.operations.includes("replace .owner"), writer.operations.join());
  assert.ok(writer.operations.includes("stat .seal"), writer.operations.join());
  writer.operations.length = 0;
  writer.append("again");
  assert.deepEqual(writer.operations, ["write .jsonl"], "it has shown that it lives");
});

test("seal: where the disk takes no heartbeat, each append looks whose the segment is", () => {
  const apart = new Apart(false);
  apart.writer.fault = ({ kind, path }) =>
    kind === "replace" && path.endsWith(".owner") ? { code: "ENOSPC" } : undefined;
  for (let n = 0; n < 12; n++) {
    apart.world.clock.advance(2_000);
    apart.writer.append(`n${n}`);
    apart.claim();
    apart.judge();
    apart.readToEnd();
    apart.complete();
    if (apart.read.length > 0) break;
  }
  assert.ok(apart.read.length > 0, "it was taken for dead");
  apart.writer.fault = () => undefined;
  apart.writer.append("after");
  apart.assertThere(["first", "n0", "after"], "the disk took no heartbeat");
});

test("seal: it goes with its segment", () => {
  const apart = new Apart(false);
  apart.writer.runtime.kill();
  apart.silence();
  apart.judge();
  assert.ok(apart.world.names().some((name) => name.endsWith(".seal")));
  apart.readToEnd();
  apart.complete();
  assert.deepEqual(apart.world.names(), []);
});
