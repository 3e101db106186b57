import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "../harness.ts";
import { noStrace, readTrace, type SystemCall, traceChild } from "../support/wal/fsync_trace.ts";

const skip = noStrace();
const isSync = ({ name }: SystemCall) => name === "fsync" || name === "fdatasync";
const isLog = ({ path }: SystemCall) => path.endsWith(".jsonl");

interface Traced {
  readonly calls: SystemCall[];
  /** The directory of the segments. */
  readonly project: string;
  /** Position of the child's marker. */
  readonly at: (mark: string) => number;
}

/** Traces a child that appends records in a new directory. */
async function traced(plan: Record<string, unknown>): Promise<Traced> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "weave-wal-fsync-")));
  try {
    const walDir = join(directory, ".weave", "wal");
    const whole = { walDir, records: 10, waitMs: 0, segmentBytes: 1e9, ...plan };
    const calls = await traceChild("support/wal/programs/fsync_child.ts", JSON.stringify(whole));
    const at = (mark: string) => {
      const found = calls.findIndex(({ name, text }) =>
        name.includes("write") && text.startsWith(`, "${mark}\\n"`)
      );
      assert.ok(found >= 0, `the child marked ${mark}`);
      return found;
    };
    return { calls, project: join(walDir, "team", "project"), at };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function parentsOf(path: string, count: number): string[] {
  return count === 0 ? [] : [dirname(path), ...parentsOf(dirname(path), count - 1)];
}

test("fsync: under always each record is one write, synced before append returns", async () => {
  const { calls, at } = await traced({ fsync: "always" });
  for (let n = 0; n < 10; n++) {
    const from = n === 0 ? 0 : at(`appended ${n - 1}`);
    const between = calls.slice(from, at(`appended ${n}`)).filter(isLog);
    assert.equal(between.filter((call) => !isSync(call)).length, 1, "one write");
    assert.equal(isSync(between.at(-1)!), true, `record ${n} is synced after its write`);
  }
}, { skip, timeout: 60_000 });

test("fsync: under always a new file's name and its new directories are synced first", async () => {
  const { calls, project, at } = await traced({ fsync: "always" });
  const synced = new Set(calls.slice(0, at("appended 0")).filter(isSync).map(({ path }) => path));
  // project, team, wal, .weave and the existing directory.
  for (const path of [project, ...parentsOf(project, 4)]) assert.ok(synced.has(path), path);
}, { skip, timeout: 60_000 });

test("fsync: under always every additional file syncs its directory", async () => {
  const { calls, project, at } = await traced({ fsync: "always", segmentBytes: 1 });
  for (let n = 1; n < 10; n++) {
    const between = calls.slice(at(`appended ${n - 1}`), at(`appended ${n}`));
    assert.ok(between.some((call) => isSync(call) && call.path === project), `file ${n}`);
  }
}, { skip, timeout: 60_000 });

test("fsync: under interval a burst is synced without another append", async () => {
  const { calls, project, at } = await traced({ fsync: "interval", waitMs: 2_000 });
  const last = at("appended 9");
  assert.ok(
    calls.slice(last, at("waited")).some((call) => isSync(call) && isLog(call)),
    "the log is synced while the program does nothing",
  );
  assert.ok(
    calls.slice(0, last).filter((call) => isSync(call) && isLog(call)).length <= 1,
    "and not for every record",
  );
  const names = calls.slice(0, at("waited")).filter(isSync).map(({ path }) => path);
  for (const path of [project, ...parentsOf(project, 4)]) assert.ok(names.includes(path), path);
}, { skip, timeout: 60_000 });

test("fsync: under interval a full batch of records triggers an early sync", async () => {
  const { calls, at } = await traced({ fsync: "interval", records: 200, waitMs: 300 });
  const syncs = calls.slice(0, at("waited")).filter((call) => isSync(call) && isLog(call));
  assert.ok(syncs.length >= 1, "the interval is longer than this");
}, { skip, timeout: 60_000 });

test("fsync: under never nothing is synced until it is requested", async () => {
  const { calls, project, at } = await traced({ fsync: "never", waitMs: 1_000 });
  assert.deepEqual(calls.slice(0, at("waited")).filter(isSync), []);
  const asked = calls.slice(at("waited"), at("synced")).filter(isSync);
  assert.ok(asked.some(isLog));
  assert.ok(asked.some(({ path }) => path === project));
}, { skip, timeout: 60_000 });

test("fsync: sync() has synced the log when it resolves", async () => {
  for (const fsync of ["interval", "always", "never"]) {
    const { calls, at } = await traced({ fsync });
    const written = calls.findLastIndex((call) => isLog(call) && !isSync(call));
    const after = calls.slice(written, at("synced"));
    assert.ok(after.some((call) => isSync(call) && isLog(call)), fsync);
  }
}, { skip, timeout: 60_000 });

test("fsync: a trace interleaved by threads is put in order", () => {
  assert.deepEqual(
    readTrace([
      '10 write(3</log>, "a", 1)      = 1',
      "11 fdatasync(3</log> <unfinished ...>",
      '10 write(1</out>, "m\\n", 2 <unfinished ...>',
      "11 <... fdatasync resumed>)         = 0",
      "10 <... write resumed>)             = 2",
      "10 fsync(4</dir>)                 = -1 EIO (Input/output error)",
      "10 +++ exited with 0 +++",
    ].join("\n")),
    [
      { name: "write", path: "/log", text: ', "a", 1', from: 0, to: 0 },
      { name: "fdatasync", path: "/log", text: "", from: 1, to: 3 },
      { name: "write", path: "/out", text: ', "m\\n", 2', from: 2, to: 4 },
    ],
  );
});
