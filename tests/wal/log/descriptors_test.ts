import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import process from "node:process";
import { test } from "../../harness.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { withDelivery } from "../../support/delivery/delivery_fixture.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";

/** Sets the soft limit of open files of this process; `null` if that is not possible. */
function limitFiles(limit: string): string | null {
  try {
    const args = ["--pid", String(process.pid), "--nofile", "--output", "SOFT", "--noheadings"];
    const before = execFileSync("prlimit", args, { encoding: "utf8" }).trim();
    execFileSync("prlimit", ["--pid", String(process.pid), `--nofile=${limit}:`]);
    return before;
  } catch {
    return null;
  }
}

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

test(
  "descriptors: hundreds of segments that wait for the server leave the host its own",
  () =>
    withDelivery({}, async (fixture) => {
      fixture.mock.faults.add({ status: 503 });
      const pipeline = fixture.open({ segmentBytes: 100, retryMaxMs: 60_000, random: () => 0.5 });
      const before = limitFiles(String(openFiles() + 24));
      if (before === null) return;
      try {
        for (let n = 0; n < 400; n++) {
          const val = { text: "x".repeat(100) };
          const obj = { project_id: "team/project", object_id: `o${n}`, val };
          pipeline.append("obj_create", JSON.stringify({ obj }));
        }
        const { log, pendingRecords, diskError } = await pipeline.stats();
        assert.deepEqual({ log, pendingRecords, diskError }, {
          log: "file",
          pendingRecords: 400,
          diskError: null,
        });
      } finally {
        limitFiles(before);
      }
    }),
  { timeout: 60_000 },
);

test("descriptors: segments that are filled faster than they are synced are synced at once", async () => {
  // Background syncs never complete.
  const held: (() => void)[] = [];
  const fixture = new LogFixture(
    { segmentBytes: 1 },
    new MemoryRuntime({ schedule: (run) => void held.push(run) }),
  );
  for (let n = 0; n < 20; n++) fixture.append(String(n));
  assert.equal(fixture.took("sync").filter((text) => text.endsWith(".jsonl")).length, 20);
  assert.equal(held.length, 8 + 6, "those of eight segments, and one of each directory");
  while (held.length > 0) {
    held.splice(0).forEach((run) => run());
    await new Promise<void>((resolve) => void setTimeout(resolve, 0));
  }
  await fixture.log.settled();
});

test("descriptors: a segment whose sync fails while the writer waits for it is written again", () => {
  const fixture = new LogFixture(
    { segmentBytes: 1 },
    new MemoryRuntime({ schedule: () => {} }),
  );
  for (let n = 0; n < 8; n++) fixture.append(String(n));
  let failures = 1;
  fixture.fault = ({ kind, path }) =>
    kind === "sync" && path.endsWith(".jsonl") && failures-- > 0 ? { code: "EIO" } : undefined;
  fixture.append("again");
  assert.equal(fixture.syncErrors.length, 1);
  assert.equal(fixture.texts().filter((text) => text === lineOf("again")).length, 2);
});
