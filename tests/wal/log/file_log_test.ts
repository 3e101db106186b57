import assert from "node:assert/strict";
import { parseStem } from "../../../src/wal/segment/segment_name.ts";
import { ownIdentity } from "../../../src/wal/ownership/process_identity.ts";
import { test } from "../../harness.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";
import { PROJECT, SERVER, WRITER } from "../../support/wal/wal_fixture.ts";

test("file log: nothing is on disk before the first record", () => {
  const { runtime } = new LogFixture();
  assert.equal(runtime.files.stat("/work"), null);
});

test("file log: a record is one line by one write, in any size and language", () => {
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

test("file log: the sidecars say whose the log is before there is a log", () => {
  const fixture = new LogFixture();
  fixture.append("a");
  const order = fixture.operations.filter((text) => /^(create|replace|open) \./.test(text));
  assert.deepEqual(order, [
    "create .lock",
    "replace .owner",
    "create .claim.1",
    "open .jsonl",
    "open .jsonl",
  ]);
  const [stem] = fixture.names()[0].split(".");
  assert.equal(parseStem(stem)?.writer, WRITER);
  const { files, process } = fixture.runtime;
  assert.equal(files.readText(`${PROJECT}/${stem}.lock`), String(process.pid));
  assert.deepEqual(JSON.parse(files.readText(`${PROJECT}/${stem}.owner`)), {
    ...ownIdentity(process),
    server: SERVER,
    sender: true,
    closed: false,
  });
  assert.deepEqual(JSON.parse(files.readText(`${PROJECT}/${stem}.claim.1`)), {
    token: WRITER,
    ...ownIdentity(process),
  });
});

test("file log: without a sender nobody holds a claim, and no segment is told", () => {
  const fixture = new LogFixture({ sender: false });
  fixture.append("a");
  assert.deepEqual(fixture.names().map((name) => name.split(".").slice(1).join(".")), [
    "jsonl",
    "lock",
    "owner",
  ]);
  assert.deepEqual(fixture.segments, []);
});

test("file log: short writes are finished, byte by byte if need be", () => {
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

test("file log: a short write that cannot be finished leaves no part of its record", () => {
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

test("file log: a write that takes nothing and says nothing is an error, not a loop", () => {
  const fixture = new LogFixture();
  fixture.append("first");
  fixture.fault = ({ kind }) => kind === "write" ? { short: 0 } : undefined;
  assert.throws(() => fixture.append("lost"), { code: "EIO" });
  assert.deepEqual(fixture.texts(), [lineOf("first")]);
});

test("file log: a part that cannot be taken back ends its segment in front of it", () => {
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
  const [damaged, next] = fixture.texts();
  assert.equal(damaged, lineOf("first") + lineOf("lost").slice(0, 10));
  assert.equal(next, lineOf("next"));
  const [segment] = fixture.segments;
  assert.equal(segment.isSealed(), true);
  assert.equal(segment.end(), lineOf("first").length, "the part is not of it");
});

test("file log: a segment ends when it has its bytes, and the records go on in the next", () => {
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

test("file log: a record over the segment's bytes has one of its own", () => {
  const fixture = new LogFixture({ segmentBytes: 100 });
  fixture.append("x".repeat(500));
  fixture.append("y");
  assert.equal(fixture.texts().length, 2);
});

test("file log: segments sort by name in the order of their making, whatever the clock does", () => {
  const fixture = new LogFixture({ segmentBytes: 1 });
  const jumps = [0, -1e9, 1, 3e9, -5e9, 0, 0];
  for (const [n, jump] of jumps.entries()) {
    fixture.runtime.time.jump(jump);
    fixture.append(String(n));
  }
  assert.deepEqual(fixture.texts(), jumps.map((_, n) => lineOf(String(n))));
});

test("file log: a closed log has said so on disk, and holds no lock", () => {
  const fixture = new LogFixture({ sender: false });
  fixture.append("a");
  fixture.log.close();
  const names = fixture.names();
  assert.deepEqual(names.filter((name) => name.endsWith(".lock")), []);
  const owner = names.find((name) => name.endsWith(".owner"))!;
  assert.equal(JSON.parse(fixture.runtime.files.readText(`${PROJECT}/${owner}`)).closed, true);
});

test("file log: a heartbeat rewrites the owner and the claim, and a closed log has none", () => {
  const fixture = new LogFixture();
  fixture.log.beat();
  fixture.append("a");
  fixture.took("replace");
  fixture.log.beat();
  assert.deepEqual(fixture.took("replace"), ["replace .claim.1", "replace .owner"]);
  fixture.segments[0].release();
  fixture.log.close();
  fixture.took("replace");
  fixture.log.beat();
  assert.deepEqual(fixture.took("replace"), []);
});

for (
  const [what, isAt] of [
    ["the lock", (text: string) => text === "create .lock"],
    ["the owner file", (text: string) => text === "replace .owner"],
    ["the claim", (text: string) => text === "create .claim.1"],
    ["the data file", (text: string, count: number) => text === "open .jsonl" && count === 1],
    [
      "the data file for reading",
      (text: string, count: number) => text === "open .jsonl" && count === 2,
    ],
  ] as [string, (text: string, count: number) => boolean][]
) {
  test(`file log: when ${what} cannot be made nothing is left, and the next try works`, () => {
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
      fixture.log.beat();
      assert.deepEqual(fixture.names(), [], "nothing of it beats on");
      fixture.append("b");
      assert.deepEqual(fixture.texts(), [lineOf("b")]);
    }
  });
}

test("file log: when a file was taken away, the next heartbeat notices and begins another", () => {
  const fixture = new LogFixture();
  fixture.append("a");
  for (const name of fixture.names()) fixture.runtime.files.remove(`${PROJECT}/${name}`);
  fixture.append("b");
  assert.equal(fixture.detached, 0);
  fixture.log.beat();
  assert.equal(fixture.detached, 1);
  assert.deepEqual(fixture.names(), [], "no sidecars are made for what is not there");
  fixture.append("c");
  assert.deepEqual(fixture.texts(), [lineOf("c")]);
  assert.equal(fixture.segments[0].end(), lineOf("a").length * 2, "the own sender reads on");
});

test("file log: without a sender what was written since the last heartbeat is written again", () => {
  const fixture = new LogFixture({ sender: false });
  fixture.append("a");
  fixture.log.beat();
  fixture.append("b");
  for (const name of fixture.names()) fixture.runtime.files.remove(`${PROJECT}/${name}`);
  fixture.append("c");
  fixture.log.beat();
  assert.deepEqual(fixture.texts(), [lineOf("b") + lineOf("c")]);
});
