import assert from "node:assert/strict";
import { parseStem } from "../../../src/wal/segment/segment_name.ts";
import { LEASE_MS } from "../../../src/wal/processes/failure_detector.ts";
import { presencePath, readPresence } from "../../../src/wal/processes/presence_state.ts";
import { ownIdentity } from "../../../src/wal/processes/process_identity.ts";
import { test } from "../../harness.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";
import { PROJECT, SERVER, TOKEN, WAL } from "../../support/wal/wal_fixture.ts";

test("file log: nothing is on disk before the first record", () => {
  const { runtime } = new LogFixture();
  assert.equal(runtime.files.stat("/work"), null);
});

test("file log: a record is one line in one write, in any size and language", () => {
  const fixture = new LogFixture();
  fixture.append("first");
  fixture.took("write");
  for (const name of ["a", "é漢😀", "x".repeat(3_000_000), "\ud800", "\u2028"]) {
    fixture.append(name);
    assert.deepEqual(fixture.took("write"), ["write .jsonl"]);
    assert.ok(fixture.texts()[0].endsWith(lineOf(name)));
  }
  assert.equal(fixture.log.written.records, 6);
  assert.equal(
    fixture.log.written.bytes,
    fixture.runtime.files.stat(`${PROJECT}/${fixture.names().find((n) => n.endsWith(".jsonl"))}`)!
      .size,
  );
});

test("file log: presence file and lock exist before the segment does", () => {
  const fixture = new LogFixture();
  fixture.append("a");
  const order = fixture.operations.filter((text) => /^(create \.lock|replace|open)/.test(text));
  assert.deepEqual(order, [
    "replace /work/.weave/wal/.processes/TOKEN.json",
    "create .lock",
    "open .jsonl",
    "open .jsonl",
  ]);
  const [stem] = fixture.names()[0].split(".");
  assert.equal(parseStem(stem)?.writer, TOKEN);
  const { files, process } = fixture.runtime;
  assert.equal(files.readText(`${PROJECT}/${stem}.lock`), String(process.pid));
  const presence = readPresence(fixture.runtime, presencePath(WAL, TOKEN));
  assert.deepEqual(presence, {
    token: TOKEN,
    identity: ownIdentity(process),
    server: SERVER,
    sender: true,
    sharesCalls: false,
    ended: false,
    at: fixture.runtime.clock.now(),
    report: null,
    log: null,
  });
});

test("file log: a segment is its data and a lock, with a sender or without", () => {
  for (const sender of [true, false]) {
    const fixture = new LogFixture({ sender });
    fixture.append("a");
    const names = fixture.names().map((name) => name.split(".").slice(1).join("."));
    assert.deepEqual(names, ["jsonl", "lock"]);
    assert.equal(fixture.segments.length, sender ? 1 : 0, "only a sender gets segments");
  }
});

test("file log: while heartbeats are fresh, the next segment needs no heartbeat of its own", () => {
  const fixture = new LogFixture({ segmentBytes: 1 });
  fixture.append("a");
  fixture.took("replace");
  for (let n = 0; n < 10; n++) fixture.append("b");
  assert.deepEqual(fixture.took("replace"), []);
  fixture.runtime.time.advance(LEASE_MS + 1);
  fixture.append("c");
  assert.equal(fixture.took("replace").length, 1);
});

test("file log: short writes are completed, byte by byte if necessary", () => {
  for (const short of [1, 2, 7, 100]) {
    const fixture = new LogFixture();
    fixture.append("first");
    fixture.fault = ({ kind }) => kind === "write" ? { short } : undefined;
    fixture.append("é漢😀".repeat(20));
    fixture.fault = () => undefined;
    fixture.append("last");
    assert.deepEqual(fixture.texts(), [
      lineOf("first") + lineOf("é漢😀".repeat(20)) + lineOf("last"),
    ]);
  }
});

for (const code of ["ENOSPC", "EIO", "EDQUOT", "EFBIG"]) {
  test(`file log: an append that fails with ${code} leaves no part of its record`, () => {
    const name = "é".repeat(50);
    for (let written = 0; written < lineOf(name).length; written += 5) {
      const fixture = new LogFixture();
      fixture.append("first");
      fixture.fault = ({ kind }) => kind === "write" ? { code, written } : undefined;
      assert.throws(() => fixture.append(name), { code });
      fixture.fault = () => undefined;
      assert.deepEqual(fixture.texts(), [lineOf("first")]);
      fixture.append("last");
      assert.deepEqual(fixture.texts(), [lineOf("first") + lineOf("last")]);
      assert.equal(fixture.log.written.records, 2);
    }
  });
}

test("file log: a short write that cannot be completed leaves no part of its record", () => {
  const fixture = new LogFixture();
  fixture.append("first");
  let writes = 0;
  fixture.fault = ({ kind }) =>
    kind !== "write" ? undefined : ++writes === 1 ? { short: 10 } : { code: "ENOSPC", written: 3 };
  assert.throws(() => fixture.append("lost"), { code: "ENOSPC" });
  fixture.fault = () => undefined;
  fixture.append("last");
  assert.deepEqual(fixture.texts(), [lineOf("first") + lineOf("last")]);
});

test("file log: a write that silently writes nothing is an error, not a loop", () => {
  const fixture = new LogFixture();
  fixture.append("first");
  fixture.fault = ({ kind }) => kind === "write" ? { short: 0 } : undefined;
  assert.throws(() => fixture.append("lost"), { code: "EIO" });
  assert.deepEqual(fixture.texts(), [lineOf("first")]);
});

test("file log: a partial record that cannot be truncated ends its segment before it", () => {
  const fixture = new LogFixture();
  fixture.append("first");
  fixture.fault = ({ kind }) =>
    kind === "write"
      ? { code: "ENOSPC", written: 10 }
      : kind === "truncate"
      ? { code: "EIO" }
      : undefined;
  assert.throws(() => fixture.append("lost"), { code: "ENOSPC" });
  fixture.fault = () => undefined;
  fixture.append("next");
  const [corrupt, next] = fixture.texts();
  assert.equal(corrupt, lineOf("first") + lineOf("lost").slice(0, 10));
  assert.equal(next, lineOf("next"));
  const [segment] = fixture.segments;
  assert.equal(segment.isSealed(), true);
  assert.equal(segment.end(), lineOf("first").length, "the part is not of it");
});

test("file log: a segment ends at its size limit, and records continue in the next", () => {
  const fixture = new LogFixture({ segmentBytes: lineOf("0").length * 3 });
  for (let n = 0; n < 8; n++) fixture.append(String(n));
  assert.deepEqual(fixture.texts(), [
    ["0", "1", "2"].map(lineOf).join(""),
    ["3", "4", "5"].map(lineOf).join(""),
    ["6", "7"].map(lineOf).join(""),
  ]);
  assert.deepEqual(fixture.segments.map((segment) => segment.isSealed()), [true, true, false]);
  const locks = fixture.names().filter((name) => name.endsWith(".lock"));
  assert.equal(locks.length, 1, "only the last one is still written");
});

test("file log: a record larger than a segment gets its own segment", () => {
  const fixture = new LogFixture({ segmentBytes: 100 });
  fixture.append("x".repeat(500));
  fixture.append("y");
  assert.equal(fixture.texts().length, 2);
});

test("file log: segments sort by name in the order of creation, even if the clock jumps", () => {
  const fixture = new LogFixture({ segmentBytes: 1 });
  const jumps = [0, -1e9, 1, 3e9, -5e9, 0, 0];
  for (const [n, jump] of jumps.entries()) {
    fixture.runtime.time.jump(jump);
    fixture.append(String(n));
  }
  assert.deepEqual(fixture.texts(), jumps.map((_, n) => lineOf(String(n))));
});

test("file log: a closed log holds no lock, which is the only sign that its segments are closed", () => {
  const fixture = new LogFixture({ sender: false });
  fixture.append("a");
  fixture.log.close();
  assert.deepEqual(fixture.names().map((name) => name.split(".").pop()), ["jsonl"]);
});

test("file log: a lock that cannot be removed at first is removed at a later heartbeat", () => {
  const fixture = new LogFixture({ sender: false });
  fixture.append("a");
  fixture.fault = ({ kind }) => kind === "remove" ? { code: "EIO" } : undefined;
  fixture.log.rotate();
  fixture.append("b");
  fixture.fault = () => undefined;
  const locks = () => fixture.names().filter((name) => name.endsWith(".lock")).length;
  assert.equal(locks(), 2);
  fixture.log.heartbeat();
  assert.equal(locks(), 1);
});

test("file log: inspecting the log writes nothing", () => {
  const fixture = new LogFixture();
  fixture.log.heartbeat();
  fixture.append("a");
  fixture.operations.length = 0;
  fixture.log.heartbeat();
  assert.deepEqual(fixture.operations, ["stat .fence", "stat .jsonl"]);
  fixture.log.close();
  fixture.operations.length = 0;
  fixture.log.heartbeat();
  assert.deepEqual(fixture.operations, []);
});

for (
  const [what, isAt] of [
    ["the presence file", (text: string) => text.startsWith("replace ")],
    ["the lock", (text: string) => text === "create .lock"],
    ["the data file", (text: string, count: number) => text === "open .jsonl" && count === 1],
    [
      "the data file for reading",
      (text: string, count: number) => text === "open .jsonl" && count === 2,
    ],
  ] as [string, (text: string, count: number) => boolean][]
) {
  test(`file log: a failure to create ${what} leaves nothing behind, and the next attempt works`, () => {
    for (const code of ["ENOSPC", "EMFILE", "EACCES"]) {
      const fixture = new LogFixture();
      fixture.fault = () => {
        const text = fixture.operations.at(-1)!;
        return isAt(text, fixture.operations.filter((other) => other === text).length)
          ? { code }
          : undefined;
      };
      assert.throws(() => fixture.append("a"), { code });
      fixture.fault = () => undefined;
      assert.deepEqual(fixture.names(), []);
      assert.deepEqual(fixture.segments, []);
      fixture.log.heartbeat();
      assert.deepEqual(fixture.names(), [], "the log has no segment to look at");
      fixture.append("b");
      assert.deepEqual(fixture.texts(), [lineOf("b")]);
    }
  });
}
