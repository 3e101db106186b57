import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "../harness.ts";
import { type ChildOptions, ownRuntime, startChild } from "../support/processes/child_fixture.ts";
import { noStrace } from "../support/wal/fsync_trace.ts";

const RECORDS = 200;

/** Report of the child before it is killed. */
interface Report {
  readonly log: string;
  readonly appended: number;
  readonly lost: number;
  readonly syncs: readonly string[];
  readonly syncError: { message: string; code: string } | null;
  readonly events: readonly string[];
}

/** Runs the child, and counts the records in its log after it was killed. */
async function run(
  plan: { fsync: string; segmentBytes: number },
  options: (directory: string) => ChildOptions,
): Promise<{ report: Report; onDisk: Set<string>; lines: number }> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "weave-wal-unsynced-")));
  try {
    const argument = JSON.stringify({ walDir: join(directory, "wal"), records: RECORDS, ...plan });
    const child = startChild(
      "support/wal/programs/unsynced_child.ts",
      argument,
      options(directory),
    );
    const report = JSON.parse(await child.line("{")) as Report;
    await child.ended;
    const lines = readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".jsonl"))
      .flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n"));
    const onDisk = new Set(lines.map((line) => /"(record-\d+)"/.exec(line)?.[1] ?? ""));
    onDisk.delete("");
    return { report, onDisk, lines: lines.filter((line) => line !== "").length };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function keptOnDisk({ report, onDisk, lines }: Awaited<ReturnType<typeof run>>): void {
  assert.equal(report.log, "file");
  assert.equal(report.appended, RECORDS);
  assert.equal(report.lost, 0);
  assert.equal(onDisk.size, RECORDS, "every record survives SIGKILL");
  assert.equal(lines, RECORDS, "none is written twice");
  assert.deepEqual(report.syncs, ["ENOTSUP", "ENOTSUP"]);
  assert.equal(report.syncError?.code, "ENOTSUP");
  assert.ok(report.events[0].includes(report.syncError.message), report.syncError.message);
  assert.equal(report.events.length, 1, report.events.join("\n"));
  assert.match(
    report.events[0],
    /^warn sync-unsupported: Cannot fsync the log: /,
  );
}

const strace = noStrace();

for (const fsync of ["interval", "always"]) {
  for (const code of ["EINVAL", "ENOSYS", "EOPNOTSUPP"]) {
    test(
      `a file system that answers ${code} to syncs keeps the log on disk under ${fsync}`,
      async () => {
        const calls = "fsync,fdatasync";
        const inject = ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=${code}`];
        const under = ["strace", "-f", "-qq", "-o", "/dev/null", ...inject];
        keptOnDisk(await run({ fsync, segmentBytes: 20_000 }, () => ({ under })));
      },
      { skip: strace, timeout: 60_000 },
    );
  }
}

test("failing syncs are not mistaken for missing support for syncs", async () => {
  const inject = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"];
  const under = ["strace", "-f", "-qq", "-o", "/dev/null", ...inject];
  const { report } = await run({ fsync: "interval", segmentBytes: 1e9 }, () => ({ under }));
  assert.ok(report.events.length > 0);
  assert.deepEqual(report.events.filter((event) => event.includes("sync-unsupported")), []);
  assert.equal(report.syncError, null);
  assert.ok(!report.syncs.includes("ENOTSUP"), report.syncs.join());
}, { skip: strace, timeout: 60_000 });

if (ownRuntime === "node") {
  const flag = ["--permission", "--experimental-permission"]
    .find((name) => process.allowedNodeEnvironmentFlags.has(name));

  for (const fsync of ["interval", "always"]) {
    test(`under Node's permission model the log stays on disk under ${fsync}`, async () => {
      const result = await run({ fsync, segmentBytes: 20_000 }, (directory) => ({
        runtimeArgs: [flag!, "--allow-fs-read=*", `--allow-fs-write=${directory}/*`],
      }));
      keptOnDisk(result);
      assert.match(result.report.events[0], /Permission Model/i);
    }, { skip: flag === undefined && "needs Node's permission model" });
  }
}
