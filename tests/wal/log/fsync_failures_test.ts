import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";
import { PROJECT } from "../../support/wal/wal_fixture.ts";

/** Waits until all chains of promises that need nothing external have completed. */
const settle = () => new Promise<void>((resolve) => void setTimeout(resolve, 0));

test("data sync: after a failed sync the records are written again, to a new file", async () => {
  const fixture = new LogFixture({ fsyncIntervalMs: 500 });
  fixture.append("a");
  await fixture.runtime.time.elapse(500);
  fixture.append("b");
  fixture.fault = ({ kind }) => kind === "sync" ? { code: "EIO" } : undefined;
  fixture.runtime.time.advance(500);
  fixture.fault = () => undefined;
  await settle();
  assert.deepEqual(fixture.syncErrors.map((error) => (error as { code: string }).code), ["EIO"]);
  assert.deepEqual(fixture.texts(), [lineOf("a") + lineOf("b"), lineOf("b")]);
  await fixture.log.sync();
  fixture.runtime.disk.crash(() => 0);
  const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
  assert.ok(after.texts().join("").includes(lineOf("b")), "b is safe in its second file");
});

test("data sync: records that were written again after a failed sync are synced in time", async () => {
  const fixture = new LogFixture({ fsyncIntervalMs: 500 });
  fixture.fault = ({ kind }) => kind === "sync" ? { code: "EIO" } : undefined;
  fixture.append("a");
  await fixture.runtime.time.elapse(500);
  fixture.fault = () => undefined;
  await fixture.runtime.time.elapse(500);
  fixture.runtime.disk.crash(() => 0);
  const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
  assert.ok(after.texts().join("").includes(lineOf("a")));
});

test("data sync: under always, records of a lost segment are synced when they are written again", async () => {
  const fixture = new LogFixture({ fsync: "always" });
  fixture.append("a");
  const [name] = fixture.names().filter((name) => name.endsWith(".jsonl"));
  fixture.runtime.disk.put(`${PROJECT}/${name.replace(".jsonl", ".fence")}`, "");
  fixture.heartbeat();
  await settle();
  fixture.runtime.disk.crash(() => 0);
  const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
  assert.deepEqual(
    after.texts(),
    [lineOf("a"), lineOf("a")],
    "in the lost segment, and in a new one",
  );
});

for (const records of [1, 3]) {
  test(`data sync: sync() covers ${records} records of a full segment whose sync fails meanwhile`, async () => {
    const names = ["a", "b", "c"].slice(0, records);
    const segmentBytes = lineOf("a").length * records;
    const fixture = new LogFixture({ segmentBytes });
    fixture.fault = ({ kind }) => kind === "sync" ? { code: "EIO" } : undefined;
    for (const name of names) fixture.append(name); // The last one begins the sync.
    fixture.fault = () => undefined;
    await fixture.log.sync();
    fixture.runtime.disk.crash(() => 0);
    const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
    const safe = after.texts().join("");
    for (const name of names) assert.ok(safe.includes(lineOf(name)), `${name} is lost`);
  });
}

test("data sync: sync() rejects with the file system error while the disk fails", async () => {
  const fixture = new LogFixture();
  fixture.append("a");
  fixture.fault = ({ kind }) => kind === "sync" ? { code: "EIO" } : undefined;
  await assert.rejects(fixture.log.sync(), { code: "EIO" });
});

test("data sync: a failed directory sync is reported, and sync() retries it", async () => {
  const fixture = new LogFixture();
  fixture.fault = ({ kind }) => kind === "syncDirectory" ? { code: "EIO" } : undefined;
  fixture.append("a");
  await settle();
  assert.ok(fixture.syncErrors.length > 0);
  await assert.rejects(fixture.log.sync(), { code: "EIO" });
  fixture.fault = () => undefined;
  fixture.operations.length = 0;
  await fixture.log.sync();
  assert.ok(fixture.took("syncDirectory").includes(`syncDirectory ${PROJECT}`));
});

for (const short of [0, 1, 7]) {
  test(`data sync: records are rewritten completely when a write first writes ${short} bytes`, async () => {
    const fixture = new LogFixture({ fsyncIntervalMs: 500, sender: false });
    for (const name of ["a", "b", "c"]) fixture.append(name);
    let writes = 0;
    fixture.fault = ({ kind, path }) => {
      if (kind === "sync") return { code: "EIO" };
      if (kind !== "write" || !path.endsWith(".jsonl")) return undefined;
      return writes++ < 3 ? { short: short === 0 ? 2 ** writes : short } : undefined;
    };
    fixture.runtime.time.advance(500);
    await settle();
    fixture.fault = () => undefined;
    const text = ["a", "b", "c"].map(lineOf).join("");
    assert.deepEqual(fixture.texts(), [text, text]);
    fixture.append("d");
    assert.deepEqual(fixture.texts(), [text, text + lineOf("d")]);
  });
}

for (const fsync of ["interval", "always"] as const) {
  test(`data sync: under ${fsync} the log works on a file system without sync, which is reported once`, async () => {
    const fixture = new LogFixture({ fsync, segmentBytes: 200, sender: false });
    fixture.fault = ({ kind }) => kind === "sync" ? { code: "ENOTSUP" } : undefined;
    const lines: string[] = [];
    for (let n = 0; n < 30; n++) {
      fixture.append(String(n));
      lines.push(lineOf(String(n)));
      await fixture.runtime.time.elapse(500);
    }
    assert.deepEqual(fixture.texts().join(""), lines.join(""), "each record once");
    assert.deepEqual(fixture.syncErrors, []);
    assert.deepEqual(fixture.unsupported.map((error) => (error as { code: string }).code), [
      "ENOTSUP",
    ]);
    fixture.log.close();
    await fixture.log.settled();
    assert.equal(fixture.unsupported.length, 1);
  });
}

for (const fsync of ["interval", "always", "never"] as const) {
  test(`data sync: under ${fsync} sync() rejects while syncing is unsupported, and not afterwards`, async () => {
    const fixture = new LogFixture({ fsync, segmentBytes: 100, sender: false });
    fixture.fault = ({ kind }) => kind === "sync" ? { code: "ENOTSUP" } : undefined;
    for (let n = 0; n < 9; n++) fixture.append(String(n));
    for (let n = 0; n < 3; n++) await assert.rejects(fixture.log.sync(), { code: "ENOTSUP" });
    assert.equal(fixture.unsupported.length, 1);
    fixture.fault = () => undefined;
    await fixture.log.sync();
    fixture.runtime.disk.crash(() => 0);
    const after = new LogFixture({}, new MemoryRuntime({ disk: fixture.runtime.disk }));
    const lines = Array.from({ length: 9 }, (_, n) => lineOf(String(n)));
    assert.deepEqual(after.texts().join(""), lines.join(""));
  });
}

test("data sync: a failed sync is not mistaken for an unsupported one", async () => {
  for (const code of ["EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES"]) {
    const fixture = new LogFixture({ fsyncIntervalMs: 500 });
    fixture.append("a");
    fixture.fault = ({ kind }) => kind === "sync" ? { code } : undefined;
    fixture.runtime.time.advance(500);
    fixture.fault = () => undefined;
    await settle();
    assert.deepEqual(fixture.unsupported, [], code);
    assert.equal(fixture.syncErrors.length, 1, code);
    assert.deepEqual(fixture.texts(), [lineOf("a"), lineOf("a")], code);
  }
});

test("data sync: sync() rejects while a file with a failed sync exists", async () => {
  const fixture = new LogFixture({ fsync: "never", sender: false });
  fixture.append("a");
  fixture.log.rotate();
  fixture.fault = ({ kind }) => kind === "sync" ? { code: "EIO" } : undefined;
  await assert.rejects(fixture.log.sync(), { code: "EIO" });
  fixture.fault = () => undefined;
  await assert.rejects(fixture.log.sync(), { code: "EIO" }, "a later sync would succeed");
  const name = fixture.names().find((name) => name.endsWith(".jsonl"));
  fixture.runtime.files.remove(`${PROJECT}/${name}`);
  await fixture.log.sync();
});

test("data sync: concurrent sync() calls all reject if the first sync fails", async () => {
  const fixture = new LogFixture({ fsync: "never", sender: false });
  fixture.append("a");
  fixture.log.rotate();
  let syncs = 0;
  fixture.fault = ({ kind }) => kind === "sync" && syncs++ === 0 ? { code: "EIO" } : undefined;
  const results = await Promise.allSettled([fixture.log.sync(), fixture.log.sync()]);
  assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected"]);
});
