import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "../../support/processes/child_fixture.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import type { DiskPlan, DiskResult } from "../../support/wal/programs/disk_child.ts";
import { test } from "../../harness.ts";

/** Whether a command works here. */
function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A command prefix that creates a mount namespace; undefined if that is not permitted. */
const ownMounts = [["unshare", "-rm"], ["unshare", "-m"]].find(([command, ...args]) =>
  works(command, ...args, "mount", "-t", "tmpfs", "tmpfs", tmpdir())
);
const noMounts = ownMounts === undefined && "needs the right to mount a file system (unshare -rm)";
const noLimits = works("prlimit", "--version") ? false : "needs prlimit";

interface Trouble {
  readonly trouble: DiskPlan["trouble"];
  readonly code: string;
  /** Message on all hosts, for hosts without a code for it. */
  readonly failure?: RegExp;
  readonly under: readonly string[];
  readonly skip: string | false;
}

const TROUBLES: Trouble[] = [
  { trouble: "full", code: "ENOSPC", under: ownMounts ?? [], skip: noMounts },
  { trouble: "read-only", code: "EROFS", under: ownMounts ?? [], skip: noMounts },
  {
    trouble: "open files",
    code: "EMFILE",
    under: ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"'],
    skip: works("sh", "-c", "ulimit -n 256") ? false : "needs sh with ulimit",
  },
  {
    trouble: "file size",
    code: "EFBIG",
    failure: /EFBIG|File too large/,
    // Unless the signal is ignored, the kernel kills the program.
    under: ["sh", "-c", 'trap "" XFSZ; exec "$0" "$@"'],
    skip: noLimits,
  },
];

for (const { trouble, code, failure = new RegExp(`^${code}$`), under, skip } of TROUBLES) {
  test(
    `real disk: a program goes on through ${code} (${trouble}), loses nothing and is back on disk`,
    async () => {
      for (const sender of [true, false]) {
        const place = mkdtempSync(join(tmpdir(), "weave-wal-disk-"));
        await using mock = await startMockServer({ callMode: "old" });
        try {
          const plan: DiskPlan = {
            trouble,
            directory: join(place, "disk"),
            serverUrl: mock.url,
            sender,
          };
          const child = startChild("support/wal/programs/disk_child.ts", JSON.stringify(plan), {
            under,
          });
          const line = await child.line("result ");
          const result = JSON.parse(line.slice("result ".length)) as DiskResult & { done: boolean };
          const { code: exit, errors } = await child.ended;
          assert.equal(exit, 0, errors);
          assert.match(result.code, failure, "the disk really failed");
          const logs = [result.before, result.during, result.after].map(({ log }) => log);
          assert.deepEqual(logs, ["file", "memory", "file"]);
          assert.equal(result.done, sender);
          assert.equal(result.after.appended, result.ids.length, "every record was taken");
          assert.ok(Object.values(result.after.dropped).every((count) => count === 0));
          assert.ok(result.during.lastError !== null);
          const named = (name: string) => result.events.filter((event) => event.name === name);
          assert.equal(named("disk-failed").length, 1, "it is warned of once");
          assert.equal(named("disk-recovered").length, 1);
          const arrived = new Set(mock.store.calls("team/project").map(({ id }) => id));
          assert.deepEqual(result.ids.filter((id) => !arrived.has(id)), []);
          assert.equal(mock.store.counts.conflicts, 0);
        } finally {
          rmSync(place, { recursive: true, force: true });
        }
      }
    },
    { skip, timeout: 60_000 },
  );
}
