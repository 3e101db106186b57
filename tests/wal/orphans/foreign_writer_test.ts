import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import { HEARTBEAT_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { OrphanScanner } from "../../../src/wal/orphans/orphan_scanner.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { WriterStates } from "../../../src/wal/orphans/writer_state.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT, SERVER, WAL, WRITER } from "../../support/wal/wal_fixture.ts";
import {
  claimText,
  oldTokenOf,
  ownerText,
  putSegment,
  tokenOf,
} from "../../support/wal/writer_fixture.ts";

const OLD = oldTokenOf(1);

/** A world with a watcher and a process of each kind. */
function scene() {
  const world = new LogWorld();
  const { disk, clock } = world;
  const runtime = world.process();
  const states = new WriterStates({ runtime, root: WAL, server: SERVER, token: tokenOf(0xfff) });
  const dead = world.process();
  dead.kill();
  const elsewhere = new MemoryRuntime({
    disk,
    clock,
    host: new MemoryHost({ name: "elsewhere", bootId: "b", pidNamespace: "pid:[9]" }),
  });
  return { world, clock, runtime, states, alive: world.process(), dead, elsewhere };
}

test("version 0.1: a segment waits for an owner that runs and sends", () => {
  const { world, states, alive, dead } = scene();
  const stateOf = (owner: string) =>
    states.of(putSegment(world, OLD, { ".jsonl": "{}\n", ".lock": "1", ".owner": owner }));
  assert.equal(stateOf(ownerText(alive)), "kept");
  assert.equal(stateOf(ownerText(alive, { sender: false })), "write-only");
  assert.equal(stateOf(ownerText(alive, { closed: true })), "ended");
  assert.equal(stateOf(ownerText(dead)), "ended");
  assert.equal(stateOf(ownerText(dead, { server: "http://other.test" })), "kept");
  assert.equal(stateOf(ownerText(dead, { server: null })), "ended");
});

test("version 0.1: a process with a reused PID is not the owner", () => {
  const { world, states, dead } = scene();
  const owner = ownerText(dead);
  new MemoryRuntime({ disk: world.disk, host: world.host, pid: dead.process.pid });
  assert.equal(states.of(putSegment(world, OLD, { ".jsonl": "", ".owner": owner })), "ended");
});

test("version 0.1: an owner on another host is trusted while its heartbeats come", () => {
  for (const [sender, running] of [[true, "watched"], [false, "write-only"]] as const) {
    const { world, clock, states, elsewhere } = scene();
    const owner = ownerText(elsewhere, { sender });
    const segment = putSegment(world, OLD, { ".jsonl": "{}\n", ".owner": owner });
    const { owner: path } = segmentPaths(PROJECT, segment.stem);
    for (let ms = 0; ms < 3 * STALE_AFTER_MS; ms += HEARTBEAT_MS) {
      assert.equal(states.of(segment), running);
      clock.advance(HEARTBEAT_MS);
      elsewhere.files.replace(path, owner);
    }
    assert.equal(states.of(segment), running);
    clock.advance(STALE_AFTER_MS);
    assert.equal(states.of(segment), "ended", "it knows no fence, and loses what it adds now");
  }
});

test("version 0.1: a corrupt owner file is observed, and its name determines its server", () => {
  const { world, clock, states } = scene();
  const files = { ".jsonl": "{}\n", ".owner": "{" };
  const [ours, other] = [OLD, oldTokenOf(1, "http://other.test")].map((token) =>
    putSegment(world, token, files)
  );
  assert.deepEqual([states.of(ours), states.of(other)], ["watched", "kept"]);
  clock.advance(STALE_AFTER_MS);
  assert.deepEqual([states.of(ours), states.of(other)], ["ended", "kept"]);
});

test("version 0.1: a segment whose owner file was removed after the listing is observed", () => {
  const { world, states, runtime, dead } = scene();
  const segment = putSegment(world, OLD, { ".jsonl": "", ".owner": ownerText(dead) });
  runtime.files.remove(segmentPaths(PROJECT, segment.stem).owner);
  assert.equal(states.of(segment), "watched");
});

test("version 0.1: a claim is respected only while its holder runs", () => {
  const { world, clock, states, alive, dead, elsewhere } = scene();
  const withClaim = (claim: string, ns: bigint) => {
    const files = { ".jsonl": "{}\n", ".owner": ownerText(dead), ".claim.2": claim };
    return putSegment(world, OLD, files, ns);
  };
  assert.equal(states.of(withClaim(claimText(dead), 1n)), "ended");
  const held = [alive, elsewhere].map((holder, n) => withClaim(claimText(holder), BigInt(n + 2)));
  const empty = withClaim("", 4n);
  for (let ms = 0; ms < 2 * STALE_AFTER_MS; ms += HEARTBEAT_MS) {
    for (const segment of held) assert.equal(states.of(segment), "watched");
    assert.equal(states.of(empty), ms < STALE_AFTER_MS ? "watched" : "ended");
    clock.advance(HEARTBEAT_MS);
    for (const { stem } of held) {
      const path = `${PROJECT}/${stem}.claim.2`;
      alive.files.replace(path, alive.files.readText(path));
    }
  }
  for (const segment of held) assert.equal(states.of(segment), "watched");
  clock.advance(STALE_AFTER_MS);
  for (const segment of held) assert.equal(states.of(segment), "ended");
});

test("Python: a segment waits for the process in its lock, and needs no lock", () => {
  const { world, states, alive, dead, runtime } = scene();
  const stateOf = (files: Record<string, string>) =>
    states.of(putSegment(world, WRITER, { ".jsonl": "{}\n", ...files }));
  assert.equal(stateOf({ ".lock": String(alive.process.pid) }), "kept");
  assert.equal(stateOf({ ".lock": ` ${alive.process.pid}\n` }), "kept");
  assert.equal(stateOf({ ".lock": String(dead.process.pid) }), "ended");
  assert.equal(stateOf({ ".lock": String(runtime.process.pid) }), "ended", "the PID is used again");
  for (const lock of ["", "0", "-1", "x", "9".repeat(20)]) {
    assert.equal(stateOf({ ".lock": lock }), "ended", lock);
  }
  assert.equal(stateOf({}), "ended");
});

test("Python: a process that was started with its sender off only writes", () => {
  const { world, states, alive } = scene();
  const lock = String(alive.process.pid);
  const stateWith = (value: string) => {
    alive.env.WEAVE_DISABLE_WAL_SENDER = value;
    return states.of(putSegment(world, WRITER, { ".jsonl": "{}\n", ".lock": lock }));
  };
  for (const value of ["true", "1", " ON ", "yes"]) assert.equal(stateWith(value), "write-only");
  for (const value of ["", "false", "0", "truer"]) assert.equal(stateWith(value), "kept");
});

test("Python: a running process with its sender on keeps what dead ones left beside it", async () => {
  const { world, alive, dead, runtime } = scene();
  const scanner = new OrphanScanner({ runtime, root: WAL, server: SERVER, token: tokenOf(0xfff) });
  const stemsOf = async () => {
    const { final, open } = await scanner.scan(PROJECT, true);
    return { final: final.map(({ stem }) => stem), open: open.map(({ stem }) => stem) };
  };
  const put = (digit: string, ns: bigint, pid: number) =>
    putSegment(world, digit.repeat(32), { ".jsonl": "{}\n", ".lock": String(pid) }, ns).stem;
  const own = putSegment(world, tokenOf(1), { ".jsonl": "{}\n" }, 1n).stem;
  world.clock.advance(STALE_AFTER_MS);
  await stemsOf();
  world.clock.advance(STALE_AFTER_MS);
  const left = put("2", 2n, dead.process.pid);
  assert.deepEqual(await stemsOf(), { final: [own, left], open: [] });

  const running = put("3", 3n, alive.process.pid);
  assert.deepEqual(await stemsOf(), { final: [own], open: [] }, "its sender takes all of Python's");

  alive.env.WEAVE_DISABLE_WAL_SENDER = "true";
  assert.deepEqual(await stemsOf(), { final: [own, left], open: [] }, "closed ones come first");
  runtime.files.remove(`${PROJECT}/${left}.jsonl`);
  assert.deepEqual(await stemsOf(), { final: [own], open: [running] });
});

test("Python: a lock that cannot be read is kept, one that was removed is not there", () => {
  const { world, states, runtime } = scene();
  const segment = putSegment(world, WRITER, { ".jsonl": "{}\n", ".lock": "1" });
  runtime.fault = ({ kind }) => kind === "read" ? { code: "EACCES" } : undefined;
  assert.equal(states.of(segment), "kept");
  runtime.fault = undefined;
  runtime.files.remove(segmentPaths(PROJECT, segment.stem).lock);
  assert.equal(states.of(segment), "ended");
});

test("Python: an empty lock without data is watched: its writer may be about to fill it", () => {
  const { world, clock, states } = scene();
  const segment = putSegment(world, WRITER, { ".lock": "" });
  assert.equal(states.of(segment), "watched");
  clock.advance(STALE_AFTER_MS);
  assert.equal(states.of(segment), "ended");
});
